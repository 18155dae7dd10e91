"""What earlier statements of a plan change, so that the target as it is now says nothing of what a later one will meet.

Whatever is not known to be harmless is taken to change everything: better a question that is not asked than a false
refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..hazards.shapes import ConstraintForm, actions_of, key, relation_key
from ..sql import grammar
from ..sql.effects import dotted, object_name, object_word
from ..sql.parse import Parsed
from ..sql.quote import qualified
from .facts import Facts, Relation

# Statements that change no row and no column of a table that is there.
HARMLESS = frozenset(
    "index_stmt view_stmt create_seq_stmt comment_stmt grant_stmt grant_role_stmt create_schema_stmt create_stats_stmt"
    " alter_stats_stmt vacuum_stmt reindex_stmt cluster_stmt refresh_mat_view_stmt lock_stmt create_policy_stmt"
    " alter_policy_stmt create_role_stmt alter_role_stmt sec_label_stmt create_publication_stmt alter_publication_stmt"
    " alter_owner_stmt alter_seq_stmt create_domain_stmt composite_type_stmt create_range_stmt create_function_stmt"
    " alter_function_stmt alter_default_privileges_stmt variable_show_stmt check_point_stmt constraints_set_stmt"
    " transaction_stmt explain_stmt create_extension_stmt".split()
)
QUIET_SETTINGS = frozenset(
    "lock_timeout statement_timeout transaction_timeout idle_in_transaction_session_timeout deadlock_timeout work_mem"
    " maintenance_work_mem client_min_messages check_function_bodies synchronous_commit application_name"
    " max_parallel_maintenance_workers max_parallel_workers_per_gather vacuum_cost_delay".split()
)
WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
QUIET_DROPS = ("INDEX", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY", "STATISTICS")
NO_DATA = frozenset(
    "AddConstraint DropConstraint ValidateConstraint AlterConstraint SetNotNull DropNotNull ColumnDefault SetStatistics"
    " SetStorage SetCompression SetRelOptions ResetRelOptions EnableRowSecurity DisableRowSecurity ForceRowSecurity"
    " NoForceRowSecurity ClusterOn DropCluster ReplicaIdentity ChangeOwner SetLogged SetUnLogged DisableTrig EnableTrig"
    " AddIdentity SetIdentity DropIdentity AddIndex AddIndexConstraint SetTableSpace SetAccessMethod SetOptions".split()
)


class Changes:
    """What the statements so far changed, with the place of each."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.everything = ""
        self.tables: dict[str, str] = {}
        self.columns: dict[tuple[str, str], str] = {}
        self.created: set[str] = set()
        self.types: dict[str, str] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.constraints: dict[tuple[str, str], ConstraintForm] = {}
        self.loud: set[str] = set()  # tables with triggers or rules that the plan made

    # -- asked

    def why(self, name: str, columns: Iterable[str] = ()) -> str:
        """Why the target's rows of now say nothing of a table (catalog key) and these columns of it, or ""."""
        place = self.everything or self.tables.get(self.known_as(name), "")
        for column in columns:
            place = place or self.columns.get((self.known_as(name), column), "")
        return f"an earlier statement changes it ({place})" if place else ""

    def why_type(self, name: str) -> str:
        """Why the target's type of now says nothing."""
        place = self.everything or self.types.get(key(name), "")
        return f"an earlier statement changes the type ({place})" if place else ""

    def known_as(self, name: str) -> str:
        """One name for a table, however the statements spell it."""
        found = self.find(name)
        return f"{found.schema}.{found.name}" if found is not None else name

    def find(self, name: str) -> Relation | None:
        """The target's table of a catalog key ("orders", "app.Order"); None for one that is not there."""
        schema, _, last = name.rpartition(".")
        return self.facts.relation(qualified(schema, last))

    def is_new(self, name: str) -> bool:
        """Whether the plan itself makes the table."""
        return name in self.created

    # -- told

    def note(self, parsed: Parsed, place: str) -> None:
        """Remember what a statement changes."""
        node, name = parsed.node, parsed.node_name
        if node is None:
            self.everything = self.everything or place
            return
        if name in ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt", "select_stmt", "create_table_as_stmt"):
            self.query(name, node, place)
        elif name == "copy_stmt":
            if node.is_from:
                self.written(relation_key(node.relation), None, place)
        elif name == "alter_table_stmt":
            self.altered(node, place)
        elif name == "create_stmt":
            self.made(node, place)
        elif name == "rename_stmt":
            self.renamed(node, place)
        elif name == "drop_stmt":
            self.dropped(node, place)
        elif name == "truncate_stmt":
            for one in node.relations:
                self.written(relation_key(one.range_var), None, place)
        elif name in ("create_trig_stmt", "rule_stmt"):
            self.loud.add(self.known_as(relation_key(node.relation)))
        elif name == "create_enum_stmt":
            self.labels[key(dotted(node.type_name))] = tuple(str(v.string.sval) for v in node.vals)
        elif name == "alter_enum_stmt":
            self.enum(node, place)
        elif name == "alter_domain_stmt":
            self.types[key(dotted(node.type_name))] = place
        elif name == "alter_object_schema_stmt" and object_word(node, "object_type") == "TABLE":
            self.tables[self.known_as(relation_key(node.relation))] = place
        elif name == "variable_set_stmt":
            if str(node.name).lower() not in QUIET_SETTINGS:
                self.everything = self.everything or place
        elif name not in HARMLESS:
            self.everything = self.everything or place

    def calls(self, node: Any, place: str) -> None:
        """The functions that a statement calls: one that is not known to leave rows as they are changes everything."""
        functions = []
        for _, message in grammar.walk(node):
            if message.DESCRIPTOR.name == "FuncCall":
                parts = [str(n.string.sval) for n in message.funcname]
                if len(parts) > 1 and parts[0] != "pg_catalog":
                    self.everything = self.everything or place
                functions.append(parts[-1])
        if functions and not self.everything and self.facts.meddles(functions):
            self.everything = place

    def query(self, name: str, node: Any, place: str) -> None:
        """A query: the tables that it writes, at the top and in WITH; the functions that it calls."""
        self.calls(node, place)
        for _, message in grammar.walk(node):
            if (kind := message.DESCRIPTOR.name) in WRITES:
                self.wrote(kind, message, place)
        if name in ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"):
            kind = {"insert": "InsertStmt", "update": "UpdateStmt", "delete": "DeleteStmt", "merge": "MergeStmt"}[
                name.partition("_")[0]
            ]
            self.wrote(kind, node, place)
        if name == "create_table_as_stmt":
            self.created.add(relation_key(node.into.rel))
            self.tables[relation_key(node.into.rel)] = place

    def wrote(self, kind: str, node: Any, place: str) -> None:
        columns = None
        if kind == "UpdateStmt":
            columns = [str(t.res_target.name) for t in node.target_list]
        self.written(relation_key(node.relation), columns, place)

    def written(self, name: str, columns: list[str] | None, place: str) -> None:
        """Rows of a table change: in some columns, or as such. What that sets off may change anything."""
        found, known = self.find(name), self.known_as(name)
        if known in self.loud or (found is not None and (found.fires or found.family or found.kind == "v")):
            self.everything = self.everything or place
        if columns is None:
            self.tables.setdefault(known, place)
        else:
            for column in columns:
                self.columns.setdefault((known, column), place)

    def altered(self, node: Any, place: str) -> None:
        self.calls(node, place)
        name = relation_key(node.relation)
        known = self.known_as(name)
        for action in actions_of(node):
            if action.kind in ("AddColumn", "AlterColumnType", "DropColumn", "DropExpression", "SetExpression"):
                self.columns.setdefault((known, action.name), place)
                if action.cascade:
                    self.everything = self.everything or place
            elif action.kind in ("AttachPartition", "DetachPartition", "DetachPartitionFinalize"):
                command = getattr(action.node, "def").partition_cmd
                self.tables.setdefault(known, place)
                self.tables.setdefault(self.known_as(relation_key(command.name)), place)
            elif action.kind == "AddConstraint" and action.constraint is not None:
                self.constraints[known, action.constraint.name] = action.constraint
                if action.constraint.kind == "foreign key" and self.cascades(action.constraint.node):
                    self.loud.add(self.known_as(action.constraint.references))
            elif action.kind not in NO_DATA:
                self.tables.setdefault(known, place)

    @staticmethod
    def cascades(node: Any) -> bool:
        """Whether a foreign key changes its rows when the parent's row goes or changes."""
        return bool({str(node.fk_del_action), str(node.fk_upd_action)} & {"c", "n", "d"})

    def made(self, node: Any, place: str) -> None:
        name = relation_key(node.relation)
        if not (node.if_not_exists and self.find(name) is not None):
            self.created.add(name)
        for parent in node.inh_relations:
            self.tables.setdefault(self.known_as(relation_key(parent.range_var)), place)

    def renamed(self, node: Any, place: str) -> None:
        word = object_word(node, "rename_type")
        if word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"):
            old = relation_key(node.relation)
            self.tables[self.known_as(old)] = place
            schema = old.rpartition(".")[0]
            self.tables[f"{schema}.{node.newname}" if schema else str(node.newname)] = place
        elif word == "COLUMN":
            known = self.known_as(relation_key(node.relation))
            self.columns[known, str(node.subname)] = place
            self.columns[known, str(node.newname)] = place
        elif word in ("TYPE", "DOMAIN"):
            old = key(object_name(node.object))
            self.types[old] = place
            self.types[str(node.newname)] = place
            if old in self.labels:
                self.labels[str(node.newname)] = self.labels.pop(old)
        elif word not in ("INDEX", "SEQUENCE", "CONSTRAINT", "TRIGGER", "POLICY", "FUNCTION", "PROCEDURE"):
            self.everything = self.everything or place

    def dropped(self, node: Any, place: str) -> None:
        word = object_word(node, "remove_type")
        cascade = grammar.enum_name(node, "behavior") == "DROP_CASCADE"
        if word == "TABLE":
            for one in node.objects:
                self.tables[self.known_as(key(object_name(one)))] = place
                self.created.discard(key(object_name(one)))
        elif word in ("TYPE", "DOMAIN"):
            for one in node.objects:
                self.types[key(object_name(one))] = place
        elif word not in (*QUIET_DROPS, "SEQUENCE", "SCHEMA"):
            self.everything = self.everything or place
        if cascade and word not in QUIET_DROPS:
            self.everything = self.everything or place

    def enum(self, node: Any, place: str) -> None:
        name = key(dotted(node.type_name))
        if name in self.labels:
            new, old = str(node.new_val), str(node.old_val)
            kept = tuple(new if label == old else label for label in self.labels[name])
            self.labels[name] = kept if old else (*kept, new)
        else:
            self.types[name] = place
