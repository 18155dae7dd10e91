"""Which lock a statement takes on which relation.

Source: manual, chapter 13.3 "Explicit Locking" and the page of each command; tablecmds.c, AlterTableGetLockLevel
(PostgreSQL 12 to 18). Only what rules need is told: a statement that is not here takes no lock of SHARE or stronger
on a table that was there before.
"""

from __future__ import annotations

from typing import Any

from ..sql import grammar
from ..sql.effects import object_name, object_word
from .shapes import key, relation_key
from .step import Step

ALTER_LOCKS = {
    "SetStatistics": "SHARE UPDATE EXCLUSIVE",
    "SetOptions": "SHARE UPDATE EXCLUSIVE",
    "ResetOptions": "SHARE UPDATE EXCLUSIVE",
    "ClusterOn": "SHARE UPDATE EXCLUSIVE",
    "DropCluster": "SHARE UPDATE EXCLUSIVE",
    "ValidateConstraint": "SHARE UPDATE EXCLUSIVE",
    "AttachPartition": "SHARE UPDATE EXCLUSIVE",
    "SetRelOptions": "SHARE UPDATE EXCLUSIVE",
    "ResetRelOptions": "SHARE UPDATE EXCLUSIVE",
    "EnableTrig": "SHARE ROW EXCLUSIVE",
    "EnableAlwaysTrig": "SHARE ROW EXCLUSIVE",
    "EnableReplicaTrig": "SHARE ROW EXCLUSIVE",
    "EnableTrigAll": "SHARE ROW EXCLUSIVE",
    "EnableTrigUser": "SHARE ROW EXCLUSIVE",
    "DisableTrig": "SHARE ROW EXCLUSIVE",
    "DisableTrigAll": "SHARE ROW EXCLUSIVE",
    "DisableTrigUser": "SHARE ROW EXCLUSIVE",
}

Lock = tuple[str, str]


def locks_of(step: Step) -> tuple[Lock, ...]:
    """(relation, mode) for each lock of SHARE or stronger, and SHARE UPDATE EXCLUSIVE where it is the main one.

    Told by the catalog as it is before the statement, and kept with the step: several rules ask.
    """
    if step.locks is None:
        step.locks = _locks_of(step)
    return step.locks


def _locks_of(step: Step) -> tuple[Lock, ...]:
    node = step.node
    match step.node_name:
        case "alter_table_stmt":
            return tuple(_alter_table(step))
        case "index_stmt":
            mode = "SHARE UPDATE EXCLUSIVE" if node.concurrent else "SHARE"
            return ((step.relation, mode),)
        case "create_stmt":
            return tuple(_create_table(step))
        case "drop_stmt":
            return tuple(_drop(step))
        case "truncate_stmt":
            return tuple((relation_key(r.range_var), "ACCESS EXCLUSIVE") for r in node.relations)
        case "create_trig_stmt":
            return ((step.relation, "SHARE ROW EXCLUSIVE"),)
        case "rule_stmt":
            return ((step.relation, "ACCESS EXCLUSIVE"),)
        case "create_policy_stmt" | "alter_policy_stmt":
            return ((relation_key(node.table), "ACCESS EXCLUSIVE"),)
        case "rename_stmt":
            return tuple(_rename(step))
        case "alter_object_schema_stmt" | "alter_owner_stmt":
            return ((step.relation, "ACCESS EXCLUSIVE"),) if node.HasField("relation") else ()
        case "lock_stmt":
            mode = _lock_mode(int(node.mode))
            return tuple((relation_key(r.range_var), mode) for r in node.relations)
        case "cluster_stmt":
            return ((step.relation, "ACCESS EXCLUSIVE"),) if node.HasField("relation") else ()
        case "vacuum_stmt":
            return tuple(
                (relation_key(r.vacuum_relation.relation), "ACCESS EXCLUSIVE")
                for r in node.rels
                if is_full_vacuum(node)
            )
        case "refresh_mat_view_stmt":
            return ((step.relation, "EXCLUSIVE" if node.concurrent else "ACCESS EXCLUSIVE"),)
        case "reindex_stmt":
            return tuple(_reindex(step))
    return ()


def _lock_mode(number: int) -> str:
    """The mode of a LOCK statement by its number in the parse tree (1 ACCESS SHARE .. 8 ACCESS EXCLUSIVE)."""
    from .transaction import MODES

    return MODES[number - 1] if 1 <= number <= len(MODES) else "ACCESS EXCLUSIVE"


def is_full_vacuum(node: Any) -> bool:
    """Whether a VACUUM is FULL."""
    return node.is_vacuumcmd and any(
        o.def_elem.defname == "full" and option_is_on(o.def_elem) for o in node.options if o.HasField("def_elem")
    )


def option_is_on(element: Any) -> bool:
    """Whether a boolean option of a statement is on: bare, true, on or 1."""
    which = element.arg.WhichOneof("node")
    if which is None:
        return True
    if which == "integer":
        return bool(element.arg.integer.ival)
    if which == "boolean":
        return bool(element.arg.boolean.boolval)
    return str(element.arg.string.sval).lower() in ("true", "on", "yes", "1")


def _alter_table(step: Step) -> list[Lock]:
    if step.objtype == "INDEX":
        index = step.catalog.indexes.get(step.relation)
        return [(index.table, "ACCESS EXCLUSIVE")] if index is not None and not _attaches(step.node) else []
    if step.objtype not in ("TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW", "VIEW"):
        return []
    found: list[Lock] = []
    for action in step.actions:
        constraint = action.constraint
        if action.kind == "AddConstraint" and constraint is not None and constraint.kind == "foreign key":
            found += [(step.relation, "SHARE ROW EXCLUSIVE"), (constraint.references, "SHARE ROW EXCLUSIVE")]
        elif action.kind in ("DetachPartition", "DetachPartitionFinalize", "AttachPartition"):
            command = getattr(action.node, "def").partition_cmd
            child = relation_key(command.name)
            quiet = action.kind == "AttachPartition" or command.concurrent or action.kind == "DetachPartitionFinalize"
            found.append((step.relation, "SHARE UPDATE EXCLUSIVE" if quiet else "ACCESS EXCLUSIVE"))
            found.append((child, "ACCESS EXCLUSIVE"))
            if step.table.default_partition and action.kind == "AttachPartition":
                found.append((step.table.default_partition, "ACCESS EXCLUSIVE"))
        else:
            found.append((step.relation, ALTER_LOCKS.get(action.kind, "ACCESS EXCLUSIVE")))
            if action.column is not None and (foreign := action.column.constraint("foreign key")) is not None:
                found.append((foreign.references, "SHARE ROW EXCLUSIVE"))
    if step.objtype != "TABLE" and not found:
        found.append((step.relation, "ACCESS EXCLUSIVE"))
    return found


def _attaches(node: Any) -> bool:
    return any(grammar.enum_name(c.alter_table_cmd, "subtype") == "AT_AttachPartition" for c in node.cmds)


def _create_table(step: Step) -> list[Lock]:
    form = step.form
    found = [(c.references, "SHARE ROW EXCLUSIVE") for c in form.constraints if c.kind == "foreign key"]
    found = [(name, mode) for name, mode in found if name != form.name]
    if form.parent:
        found.append((form.parent, "ACCESS EXCLUSIVE"))
        default = step.catalog.table(form.parent).default_partition
        if default and default != form.name:
            found.append((default, "ACCESS EXCLUSIVE"))
    return found


def _drop(step: Step) -> list[Lock]:
    word = object_word(step.node, "remove_type")
    names = [key(object_name(o)) for o in step.node.objects]
    if word in ("TABLE", "MATERIALIZED VIEW", "FOREIGN TABLE", "VIEW"):
        return [(name, "ACCESS EXCLUSIVE") for name in names]
    if word == "INDEX":
        if step.node.concurrent:
            return []
        known = (step.catalog.indexes.get(name) for name in names)
        return [(index.table, "ACCESS EXCLUSIVE") for index in known if index is not None]
    if word in ("TRIGGER", "RULE", "POLICY"):
        return [(name.rpartition(".")[0], "ACCESS EXCLUSIVE") for name in names if "." in name]
    return []


def _rename(step: Step) -> list[Lock]:
    word = object_word(step.node, "rename_type")
    if word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "COLUMN", "CONSTRAINT", "TRIGGER", "POLICY", "RULE"):
        return [(step.relation, "ACCESS EXCLUSIVE")] if step.node.HasField("relation") else []
    return []


def _reindex(step: Step) -> list[Lock]:
    if any(p.def_elem.defname == "concurrently" and option_is_on(p.def_elem) for p in step.node.params):
        return []
    kind = grammar.enum_name(step.node, "kind")
    if kind == "REINDEX_OBJECT_TABLE":
        return [(step.relation, "SHARE")]
    if kind == "REINDEX_OBJECT_INDEX":
        index = step.catalog.indexes.get(step.relation)
        return [(index.table, "SHARE")] if index is not None else []
    return []
