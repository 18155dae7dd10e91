"""What a statement does, told from its tree: its kind, the objects it touches, whether a transaction may hold it.

Names are as written: lower case unless quoted, with a schema only where the SQL gives one. What is not known here
gives kind "UNKNOWN"; nobody may read that as harmless.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import grammar
from .reads import READERS, read_by, relation

OBJECT_WORDS = {
    "OBJECT_MATVIEW": "MATERIALIZED VIEW",
    "OBJECT_FDW": "FOREIGN DATA WRAPPER",
    "OBJECT_FOREIGN_SERVER": "SERVER",
    "OBJECT_TABCONSTRAINT": "CONSTRAINT",
    "OBJECT_DOMCONSTRAINT": "DOMAIN CONSTRAINT",
    "OBJECT_STATISTIC_EXT": "STATISTICS",
    "OBJECT_TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
    "OBJECT_TSDICTIONARY": "TEXT SEARCH DICTIONARY",
    "OBJECT_TSPARSER": "TEXT SEARCH PARSER",
    "OBJECT_TSTEMPLATE": "TEXT SEARCH TEMPLATE",
    "OBJECT_OPCLASS": "OPERATOR CLASS",
    "OBJECT_OPFAMILY": "OPERATOR FAMILY",
}

# Node name -> kind, for statements whose kind needs no look inside.
PLAIN_KINDS = {
    "insert_stmt": "INSERT",
    "delete_stmt": "DELETE",
    "update_stmt": "UPDATE",
    "merge_stmt": "MERGE",
    "create_schema_stmt": "CREATE SCHEMA",
    "alter_domain_stmt": "ALTER DOMAIN",
    "alter_collation_stmt": "ALTER COLLATION",
    "alter_default_privileges_stmt": "ALTER DEFAULT PRIVILEGES",
    "copy_stmt": "COPY",
    "variable_set_stmt": "SET",
    "variable_show_stmt": "SHOW",
    "create_stmt": "CREATE TABLE",
    "create_foreign_table_stmt": "CREATE FOREIGN TABLE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "alter_table_space_options_stmt": "ALTER TABLESPACE",
    "alter_table_move_all_stmt": "ALTER TABLE",
    "create_extension_stmt": "CREATE EXTENSION",
    "alter_extension_stmt": "ALTER EXTENSION",
    "alter_extension_contents_stmt": "ALTER EXTENSION",
    "create_fdw_stmt": "CREATE FOREIGN DATA WRAPPER",
    "alter_fdw_stmt": "ALTER FOREIGN DATA WRAPPER",
    "create_foreign_server_stmt": "CREATE SERVER",
    "alter_foreign_server_stmt": "ALTER SERVER",
    "create_user_mapping_stmt": "CREATE USER MAPPING",
    "alter_user_mapping_stmt": "ALTER USER MAPPING",
    "drop_user_mapping_stmt": "DROP USER MAPPING",
    "import_foreign_schema_stmt": "IMPORT FOREIGN SCHEMA",
    "create_policy_stmt": "CREATE POLICY",
    "alter_policy_stmt": "ALTER POLICY",
    "create_am_stmt": "CREATE ACCESS METHOD",
    "create_trig_stmt": "CREATE TRIGGER",
    "create_event_trig_stmt": "CREATE EVENT TRIGGER",
    "alter_event_trig_stmt": "ALTER EVENT TRIGGER",
    "create_plang_stmt": "CREATE LANGUAGE",
    "create_role_stmt": "CREATE ROLE",
    "alter_role_stmt": "ALTER ROLE",
    "alter_role_set_stmt": "ALTER ROLE",
    "drop_role_stmt": "DROP ROLE",
    "create_seq_stmt": "CREATE SEQUENCE",
    "alter_seq_stmt": "ALTER SEQUENCE",
    "create_domain_stmt": "CREATE DOMAIN",
    "create_op_class_stmt": "CREATE OPERATOR CLASS",
    "create_op_family_stmt": "CREATE OPERATOR FAMILY",
    "alter_op_family_stmt": "ALTER OPERATOR FAMILY",
    "alter_operator_stmt": "ALTER OPERATOR",
    "truncate_stmt": "TRUNCATE",
    "comment_stmt": "COMMENT",
    "sec_label_stmt": "SECURITY LABEL",
    "index_stmt": "CREATE INDEX",
    "create_stats_stmt": "CREATE STATISTICS",
    "alter_stats_stmt": "ALTER STATISTICS",
    "alter_function_stmt": "ALTER FUNCTION",
    "do_stmt": "DO",
    "call_stmt": "CALL",
    "rule_stmt": "CREATE RULE",
    "notify_stmt": "NOTIFY",
    "listen_stmt": "LISTEN",
    "unlisten_stmt": "UNLISTEN",
    "transaction_stmt": "TRANSACTION",
    "composite_type_stmt": "CREATE TYPE",
    "create_enum_stmt": "CREATE TYPE",
    "create_range_stmt": "CREATE TYPE",
    "alter_enum_stmt": "ALTER TYPE",
    "alter_type_stmt": "ALTER TYPE",
    "view_stmt": "CREATE VIEW",
    "load_stmt": "LOAD",
    "createdb_stmt": "CREATE DATABASE",
    "alter_database_stmt": "ALTER DATABASE",
    "alter_database_refresh_coll_stmt": "ALTER DATABASE",
    "alter_database_set_stmt": "ALTER DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "alter_system_stmt": "ALTER SYSTEM",
    "cluster_stmt": "CLUSTER",
    "explain_stmt": "EXPLAIN",
    "refresh_mat_view_stmt": "REFRESH MATERIALIZED VIEW",
    "check_point_stmt": "CHECKPOINT",
    "discard_stmt": "DISCARD",
    "lock_stmt": "LOCK",
    "constraints_set_stmt": "SET CONSTRAINTS",
    "reindex_stmt": "REINDEX",
    "create_conversion_stmt": "CREATE CONVERSION",
    "create_cast_stmt": "CREATE CAST",
    "create_transform_stmt": "CREATE TRANSFORM",
    "prepare_stmt": "PREPARE",
    "execute_stmt": "EXECUTE",
    "deallocate_stmt": "DEALLOCATE",
    "drop_owned_stmt": "DROP OWNED",
    "reassign_owned_stmt": "REASSIGN OWNED",
    "alter_tsdictionary_stmt": "ALTER TEXT SEARCH DICTIONARY",
    "alter_tsconfiguration_stmt": "ALTER TEXT SEARCH CONFIGURATION",
    "create_publication_stmt": "CREATE PUBLICATION",
    "alter_publication_stmt": "ALTER PUBLICATION",
    "create_subscription_stmt": "CREATE SUBSCRIPTION",
    "alter_subscription_stmt": "ALTER SUBSCRIPTION",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
    "declare_cursor_stmt": "DECLARE",
    "close_portal_stmt": "CLOSE",
    "fetch_stmt": "FETCH",
}


# What ALTER names when the thing renamed lives inside another object.
RENAMED_INSIDE = {"CONSTRAINT": "TABLE", "DOMAIN CONSTRAINT": "DOMAIN"}


class Effects(NamedTuple):
    """What a statement does; the fields are those of records.Statement."""

    kind: str
    creates: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    transactional: bool | None = True


def effects_of(node_name: str, node: Any, *, objects: bool = True) -> Effects:
    """The effects of one statement's tree. objects: False leaves out the names, which cost most of the time."""
    kind = kind_of(node_name, node)
    if not objects:
        return Effects(kind, transactional=transactional(node_name, node))
    creates, drops, changes = objects_of(node_name, node)
    reads: tuple[str, ...] = ()
    if node_name in READERS:
        touched = {*creates, *drops, *changes}
        reads = tuple(dict.fromkeys(n for n in read_by(node_name, node) if n not in touched))
    return Effects(kind, creates, drops, changes, reads, transactional(node_name, node))


def object_word(message: Any, field: str) -> str:
    """The SQL word for an object type field: "TABLE", "MATERIALIZED VIEW", "INDEX"."""
    name = grammar.enum_name(message, field)
    return OBJECT_WORDS.get(name, name.removeprefix("OBJECT_").replace("_", " "))


def kind_of(node_name: str, node: Any) -> str:
    """The statement's kind in capitals; UNKNOWN when the node is not known here."""
    if node_name == "select_stmt":
        return "CREATE TABLE AS" if node.HasField("into_clause") else "SELECT"
    if node_name == "drop_stmt":
        return f"DROP {object_word(node, 'remove_type')}"
    if node_name in ("alter_table_stmt",):
        return f"ALTER {object_word(node, 'objtype')}"
    if node_name == "rename_stmt":
        word = object_word(node, "rename_type")
        if word in ("COLUMN", "ATTRIBUTE"):
            word = object_word(node, "relation_type")
        return f"ALTER {RENAMED_INSIDE.get(word, word)}"
    if node_name in ("alter_object_schema_stmt", "alter_owner_stmt", "alter_object_depends_stmt"):
        return f"ALTER {object_word(node, 'object_type')}"
    if node_name == "create_function_stmt":
        return "CREATE PROCEDURE" if node.is_procedure else "CREATE FUNCTION"
    if node_name == "define_stmt":
        return f"CREATE {object_word(node, 'kind')}"
    if node_name == "create_table_as_stmt":
        return (
            "CREATE MATERIALIZED VIEW"
            if node.objtype and object_word(node, "objtype") == "MATERIALIZED VIEW"
            else "CREATE TABLE AS"
        )
    if node_name in ("grant_stmt", "grant_role_stmt"):
        return "GRANT" if node.is_grant else "REVOKE"
    if node_name == "vacuum_stmt":
        return "VACUUM" if node.is_vacuumcmd else "ANALYZE"
    return PLAIN_KINDS.get(node_name, "UNKNOWN")


def dotted(nodes: Any) -> str:
    """A list of name nodes joined by dots: the name of a type, function or any object."""
    parts = []
    for node in nodes:
        which = node.WhichOneof("node")
        if which == "string":
            parts.append(str(node.string.sval))
    return ".".join(parts)


def object_name(node: Any) -> str:
    """The name in an object reference of DROP, COMMENT or ALTER ... OWNER, whatever its form."""
    which = node.WhichOneof("node")
    if which == "list":
        return dotted(node.list.items)
    if which == "string":
        return str(node.string.sval)
    if which == "type_name":
        return dotted(node.type_name.names)
    if which == "object_with_args":
        return dotted(node.object_with_args.objname)
    if which == "range_var":
        return relation(node.range_var)
    return ""


def objects_of(node_name: str, node: Any) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names that the statement creates, drops and changes."""
    creates: list[str] = []
    drops: list[str] = []
    changes: list[str] = []
    match node_name:
        case "create_stmt":
            creates.append(relation(node.relation))
            changes.extend(relation(n.range_var) for n in node.inh_relations)
        case "create_foreign_table_stmt":
            creates.append(relation(node.base_stmt.relation))
        case "index_stmt":
            if node.idxname:
                schema = f"{node.relation.schemaname}." if node.relation.schemaname else ""
                creates.append(schema + node.idxname)
            changes.append(relation(node.relation))
        case "view_stmt":
            creates.append(relation(node.view))
        case "create_table_as_stmt":
            creates.append(relation(node.into.rel))
        case "create_seq_stmt":
            creates.append(relation(node.sequence))
        case "alter_seq_stmt":
            changes.append(relation(node.sequence))
        case "create_function_stmt":
            creates.append(dotted(node.funcname))
        case "alter_function_stmt":
            changes.append(dotted(node.func.objname))
        case "create_enum_stmt" | "create_range_stmt":
            creates.append(dotted(node.type_name))
        case "composite_type_stmt":
            creates.append(relation(node.typevar))
        case "alter_enum_stmt" | "alter_type_stmt":
            changes.append(dotted(node.type_name))
        case "create_domain_stmt":
            creates.append(dotted(node.domainname))
        case "alter_domain_stmt":
            changes.append(dotted(node.type_name))
        case "define_stmt":
            creates.append(dotted(node.defnames))
        case "create_schema_stmt":
            creates.append(str(node.schemaname))
        case "create_extension_stmt" | "alter_extension_stmt":
            (creates if node_name.startswith("create") else changes).append(str(node.extname))
        case "create_trig_stmt":
            creates.append(f"{relation(node.relation)}.{node.trigname}")
            changes.append(relation(node.relation))
        case "create_policy_stmt" | "alter_policy_stmt":
            (creates if node_name.startswith("create") else changes).append(
                f"{relation(node.table)}.{node.policy_name}"
            )
            changes.append(relation(node.table))
        case "rule_stmt":
            creates.append(f"{relation(node.relation)}.{node.rulename}")
            changes.append(relation(node.relation))
        case "create_stats_stmt":
            creates.append(dotted(node.defnames))
        case "create_publication_stmt" | "alter_publication_stmt":
            (creates if node_name.startswith("create") else changes).append(str(node.pubname))
        case "alter_table_stmt":
            changes.append(relation(node.relation))
            for command in node.cmds:
                inner = command.alter_table_cmd
                if inner.name and grammar.enum_name(inner, "subtype") in ("AT_DropColumn", "AT_DropConstraint"):
                    drops.append(f"{relation(node.relation)}.{inner.name}")
        case "rename_stmt":
            if node.HasField("relation"):
                changes.append(relation(node.relation))
            elif node.HasField("object"):
                changes.append(object_name(node.object))
        case "alter_object_schema_stmt" | "alter_owner_stmt":
            if node.HasField("relation"):
                changes.append(relation(node.relation))
            elif node.HasField("object"):
                changes.append(object_name(node.object))
        case "drop_stmt":
            drops.extend(object_name(n) for n in node.objects)
        case "truncate_stmt":
            changes.extend(relation(n.range_var) for n in node.relations)
        case "lock_stmt":
            changes.extend(relation(n.range_var) for n in node.relations)
        case "insert_stmt" | "update_stmt" | "delete_stmt" | "merge_stmt" | "refresh_mat_view_stmt":
            changes.append(relation(node.relation))
        case "copy_stmt":
            if node.is_from and node.HasField("relation"):
                changes.append(relation(node.relation))
        case "cluster_stmt" | "reindex_stmt":
            if node.HasField("relation"):
                changes.append(relation(node.relation))
        case "comment_stmt":
            changes.append(object_name(node.object))
        case "grant_stmt":
            changes.extend(filter(None, (object_name(n) for n in node.objects)))
        case "vacuum_stmt":
            changes.extend(relation(n.vacuum_relation.relation) for n in node.rels)
    return (
        tuple(dict.fromkeys(filter(None, creates))),
        tuple(dict.fromkeys(filter(None, drops))),
        tuple(dict.fromkeys(filter(None, changes))),
    )


def transactional(node_name: str, node: Any) -> bool | None:
    """Whether PostgreSQL runs the statement inside a transaction block; None when only the server can tell.

    Source: manual, the Notes of each command ("cannot be executed inside a transaction block").
    """
    match node_name:
        case "index_stmt":
            return not node.concurrent
        case "drop_stmt":
            return not node.concurrent
        case "reindex_stmt":
            if any(p.def_elem.defname == "concurrently" for p in node.params):
                return False
            kind = grammar.enum_name(node, "kind")
            return kind not in ("REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE")
        case "vacuum_stmt":
            return not node.is_vacuumcmd
        case "cluster_stmt":
            return bool(node.HasField("relation"))
        case (
            "createdb_stmt" | "dropdb_stmt" | "create_table_space_stmt" | "drop_table_space_stmt" | "alter_system_stmt"
        ):
            return False
        case "alter_table_stmt":
            detaching = ("AT_DetachPartition", "AT_DetachPartitionFinalize")
            commands = [c.alter_table_cmd for c in node.cmds]
            return not any(
                grammar.enum_name(c, "subtype") in detaching and getattr(c, "def").partition_cmd.concurrent
                for c in commands
            )
        case "create_subscription_stmt" | "drop_subscription_stmt" | "alter_subscription_stmt" | "call_stmt":
            return None
        case "do_stmt":
            body = " ".join(a.def_elem.arg.string.sval for a in node.args if a.def_elem.defname == "as").upper()
            return None if "COMMIT" in body or "ROLLBACK" in body else True
        case "discard_stmt":
            return grammar.enum_name(node, "target") != "DISCARD_ALL"
    return True
