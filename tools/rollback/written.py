"""Which tables a migration writes rows to: measured in its transaction, and read from its text for branches not taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from ..schema.model import ObjectId, Snapshot
from ..sql import grammar
from ..sql.parse import Script
from .identities import Identities

if TYPE_CHECKING:
    from ..databases.postgres import Connection

ALL = frozenset({"insert", "update", "delete"})
_STATEMENTS = {
    "InsertStmt": frozenset({"insert"}),
    "UpdateStmt": frozenset({"update"}),
    "DeleteStmt": frozenset({"delete"}),
    "MergeStmt": ALL,
}
_IN_TEXT = re.compile(
    r"""\b(?:(?P<insert>insert\s+into) | (?P<delete>delete\s+from(?:\s+only)?)
    | (?P<truncate>truncate(?:\s+table)?(?:\s+only)?) | (?P<merge>merge\s+into) | (?P<update>update(?:\s+only)?))
    \s+(?P<name>(?:"[^"]+"|\w+)(?:\s*\.\s*(?:"[^"]+"|\w+))?)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(slots=True)
class Written:
    """What a migration does to the rows of tables (by their identity before it).

    kinds: table -> insert, update, delete. columns: table -> the columns that its UPDATEs set, where every UPDATE is
    plain to see and no trigger stands behind; missing where that is not known.
    """

    kinds: dict[ObjectId, frozenset[str]] = field(default_factory=dict)
    columns: dict[ObjectId, frozenset[str]] = field(default_factory=dict)

    def add(self, table: ObjectId, kinds: Iterable[str]) -> None:
        self.kinds[table] = self.kinds.get(table, frozenset()) | frozenset(kinds)


def opaque(script: Script) -> bool:
    """Whether code runs that the script's own statements do not show: blocks, calls, functions, dynamic SQL."""
    for parsed in script.statements:
        if parsed.node is None or parsed.node_name in ("do_stmt", "call_stmt", "execute_stmt"):
            return True
        if parsed.node_name in (
            "select_stmt",
            "explain_stmt",
            "insert_stmt",
            "update_stmt",
            "delete_stmt",
            "merge_stmt",
        ):
            for name in _called(parsed.node):
                if name not in _HARMLESS:
                    return True
    return False


# Functions of the server that write to no table of the user's.
_HARMLESS = frozenset(
    """set_config setval nextval currval lastval now clock_timestamp gen_random_uuid uuidv7 coalesce lower upper md5
    random count max min sum avg array_agg string_agg json_build_object jsonb_build_object to_jsonb row_number rank
    generate_series unnest concat concat_ws format length substring left right trim btrim replace regexp_replace
    to_char to_timestamp date_trunc extract jsonb_set jsonb_array_elements jsonb_array_elements_text jsonb_agg
    pg_advisory_xact_lock pg_advisory_lock pg_get_serial_sequence encode decode sha256 convert_to convert_from abs
    round floor ceil greatest least nullif split_part strpos position reverse jsonb_each jsonb_each_text
    jsonb_object_agg row_to_json json_agg array_length cardinality array_append array_remove timezone
    current_setting to_regclass bool_or bool_and regexp_matches regexp_split_to_array regexp_split_to_table
    make_interval age""".split()
)


def _called(node: Any) -> Iterable[str]:
    for _, message in grammar.walk(node):
        if message.DESCRIPTOR.name == "FuncCall" and message.funcname:
            yield str(message.funcname[-1].string.sval).lower()


def measured(conn: Connection, before: Identities) -> dict[ObjectId, frozenset[str]]:
    """Tables that the open transaction took a writer's lock on, with the kinds of change that were counted."""
    found: dict[ObjectId, frozenset[str]] = {}
    for oid, *counted in conn.execute(load("postgres", "rollback_written").encode()).fetchall():
        table = before.table(oid)
        if table is not None:
            found[table] = frozenset(k for k, yes in zip(("insert", "update", "delete"), counted, strict=True) if yes)
    return found


def reached(conn: Connection, before: Identities) -> set[ObjectId]:
    """Tables of before whose rows the open transaction may have changed."""
    found = conn.execute(load("postgres", "rollback_reached").encode()).fetchall()
    return {table for (oid,) in found if (table := before.table(oid)) is not None}


def told(script: Script, before: Snapshot) -> Written:
    """What the statements themselves say, those in WITH clauses, blocks and bodies too."""
    found = Written()
    tables = _by_name(before)
    for parsed in script.statements:
        if parsed.node is None or parsed.node_name in ("do_stmt", "create_function_stmt", "call_stmt"):
            if parsed.node_name != "create_function_stmt":
                for name, kinds in in_text(parsed.statement.text):
                    for table in tables.get(name, ()):
                        found.add(table, kinds)
            continue
        if parsed.node_name == "truncate_stmt":
            for node in parsed.node.relations:
                for table in _named(node.range_var, tables):
                    found.add(table, {"delete"})
        elif parsed.node_name == "copy_stmt" and parsed.node.is_from and parsed.node.HasField("relation"):
            for table in _named(parsed.node.relation, tables):
                found.add(table, {"insert"})
        for _, message in grammar.walk(parsed.node):
            does = _STATEMENTS.get(message.DESCRIPTOR.name)
            if does and message.HasField("relation"):
                if message.DESCRIPTOR.name == "InsertStmt" and message.HasField("on_conflict_clause"):
                    does = frozenset({"insert", "update"})
                for table in _named(message.relation, tables):
                    found.add(table, does)
                    _note_columns(found, table, message)
    return found


def _note_columns(found: Written, table: ObjectId, message: Any) -> None:
    if message.DESCRIPTOR.name != "UpdateStmt":
        found.columns.setdefault(table, frozenset())
        return
    names = frozenset(str(t.res_target.name) for t in message.target_list if t.WhichOneof("node") == "res_target")
    found.columns[table] = found.columns.get(table, frozenset()) | names


def in_text(text: str) -> Iterable[tuple[str, frozenset[str]]]:
    """(name, kinds) of the tables that a text of procedural code names behind INSERT INTO, UPDATE and the like."""
    for match in _IN_TEXT.finditer(text):
        name = "".join(match["name"].split())
        name = ".".join(p[1:-1] if p.startswith('"') else p.lower() for p in name.split("."))
        if match["merge"]:
            yield name, ALL
        elif match["truncate"]:
            yield name, frozenset({"delete"})
        else:
            yield name, frozenset(k for k in ("insert", "update", "delete") if match[k])


def _by_name(before: Snapshot) -> dict[str, list[ObjectId]]:
    tables: dict[str, list[ObjectId]] = {}
    for table in before.of("table"):
        tables.setdefault(table.id.name, []).append(table.id)
        tables.setdefault(f"{table.id.schema}.{table.id.name}", []).append(table.id)
    return tables


def _named(range_var: Any, tables: Mapping[str, list[ObjectId]]) -> list[ObjectId]:
    name = f"{range_var.schemaname}.{range_var.relname}" if range_var.schemaname else str(range_var.relname)
    return tables.get(name, [])


def joined(
    script: Script, before: Snapshot, seen: Mapping[ObjectId, frozenset[str]] | None, after: Snapshot | None = None
) -> Written:
    """Measured and told together, with what follows from them: cascades of foreign keys, and triggers' own writes.

    seen: what was measured; None when it could not be (then the text alone speaks). A table that was locked for
    writing without a row being written counts with what the text says of it, or with everything.
    """
    found = told(script, before)
    hidden = opaque(script)
    for table, kinds in (seen or {}).items():
        static = found.kinds.get(table)
        found.add(table, kinds if kinds and not hidden else kinds | (static or ALL))
        if static is None:
            found.columns.pop(table, None)
    if hidden:
        found.columns.clear()
    _cascades(found, before)
    for table in list(found.kinds):
        if any(True for _ in _triggers(before, table)):
            found.columns.pop(table, None)
            _through_triggers(found, before, table)
    return found


def _cascades(found: Written, before: Snapshot) -> None:
    """Tables whose rows go or change when rows that they reference do."""
    keys = [c for c in before.of("constraint") if c.properties.get("type") == "foreign key"]
    names = {f"{t.id.schema}.{t.id.name}": t.id for t in before.of("table")}
    todo = list(found.kinds)
    while todo:
        table = todo.pop()
        kinds = found.kinds[table]
        for key in keys:
            if names.get(str(key.properties.get("references", "")).replace('"', "")) != table:
                continue
            child = ObjectId("table", key.id.schema, "", key.id.parent)
            definition = str(key.properties["definition"])
            more: set[str] = set()
            if "delete" in kinds and "ON DELETE CASCADE" in definition:
                more.add("delete")
            if "delete" in kinds and "ON DELETE SET" in definition:
                more.add("update")
            if "update" in kinds and ("ON UPDATE CASCADE" in definition or "ON UPDATE SET" in definition):
                more.add("update")
            if more - found.kinds.get(child, frozenset()):
                found.add(child, more)
                found.columns.pop(child, None)
                todo.append(child)


def _triggers(before: Snapshot, table: ObjectId) -> Iterable[Any]:
    for trigger in before.children(table, "trigger"):
        if trigger.properties.get("enabled") != "disabled":
            yield trigger


def _through_triggers(found: Written, before: Snapshot, table: ObjectId) -> None:
    """Tables that the table's triggers write to, by what their functions' text names."""
    tables = _by_name(before)
    bodies = {
        f"{f.id.schema}.{f.id.name}": str(f.properties.get("definition", ""))
        for f in before.of("function")
        if f.properties.get("trigger")
    }
    for trigger in _triggers(before, table):
        body = bodies.get(str(trigger.properties.get("function", "")).replace('"', ""), "")
        for name, kinds in in_text(body):
            for other in tables.get(name, ()):
                if other != table:
                    found.add(other, kinds)
                    found.columns.pop(other, None)
