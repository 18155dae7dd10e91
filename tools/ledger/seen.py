"""What the catalog says about a statement that was under way outside a transaction when its session ended.

Source: manual, CREATE INDEX, DROP INDEX, REINDEX ("CONCURRENTLY" leaves invalid indexes when it fails) and
ALTER TABLE ... DETACH PARTITION CONCURRENTLY (FINALIZE completes one that was interrupted; 14 and later).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from ..sql import grammar
from ..sql.parse import Parsed, parse
from ..sql.quote import qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection


class Outcome(StrEnum):
    """DONE: its effect is there, whole. NOT_DONE: nothing of it is. HALF: something is left that has to be cleaned up
    before it runs again. REPEATABLE: running it again does no harm. UNCLEAR: the catalog cannot tell."""

    DONE = "done"
    NOT_DONE = "not done"
    HALF = "half done"
    REPEATABLE = "repeatable"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the catalog says of a statement: outcome, a line for people, and the statements that clean up what is
    half done. finishes: the cleaning up also completes the statement, which then must not run again.
    indexes: (schema, name) of those that it made or left."""

    outcome: Outcome
    line: str
    cleanup: tuple[str, ...] = ()
    finishes: bool = False
    indexes: tuple[tuple[str, str], ...] = ()


def look(conn: Connection, parsed: Parsed) -> Seen:
    """What is true of a statement that may have run, not at all, or in part. The search path must be the one it ran
    under."""
    node: Any = parsed.node
    match parsed.node_name:
        case "index_stmt" if node.concurrent:
            return _created_index(conn, node)
        case "drop_stmt" if node.concurrent:
            return _dropped_indexes(conn, node)
        case "reindex_stmt":
            return _reindexed(conn, node)
        case "alter_table_stmt":
            return _detached(conn, node)
        case "vacuum_stmt" | "cluster_stmt":
            return Seen(Outcome.REPEATABLE, f"{parsed.statement.kind} may simply run again")
    return Seen(Outcome.UNCLEAR, f"the catalog cannot tell whether {parsed.statement.kind} took effect")


def look_at_text(conn: Connection, text: str) -> Seen:
    """`look` for a statement's text, as the ledger keeps it."""
    found = parse(text).statements
    if len(found) != 1 or found[0].node is None:
        return Seen(Outcome.UNCLEAR, "the statement that was under way cannot be read")
    return look(conn, found[0])


def present(conn: Connection, names: Sequence[str]) -> dict[str, bool]:
    """For names of relations as written in a script: whether each is there."""
    found = {}
    for name in names:
        quoted = qualified(*name.split(".", 1)) if "." in name else qualified("", name)
        row = conn.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (quoted,)).fetchone()
        found[name] = bool(row and row[0])
    return found


def _created_index(conn: Connection, node: Any) -> Seen:
    table = qualified(node.relation.schemaname, node.relation.relname)
    name = str(node.idxname)
    row = conn.execute(load("postgres", "ledger_index").encode(), {"relation": table, "name": name}).fetchone()
    if row is None:
        return Seen(Outcome.NOT_DONE, f"index {name} is not there")
    schema, on_table, valid = row
    if not on_table:
        return Seen(Outcome.UNCLEAR, f"{name} is there, but it is no index of {table}")
    index = qualified(schema, name)
    if valid:
        return Seen(Outcome.DONE, f"index {name} is there and valid", indexes=((schema, name),))
    return Seen(
        Outcome.HALF,
        f"index {name} is there but INVALID: the build did not end",
        (f"DROP INDEX CONCURRENTLY {index}",),
        indexes=((schema, name),),
    )


def _dropped_indexes(conn: Connection, node: Any) -> Seen:
    names = [_joined(n) for n in node.objects]
    left = [n for n in names if _exists(conn, n)]
    if not left:
        return Seen(Outcome.DONE, f"{', '.join(names)} is gone")
    # an interrupted drop leaves the index marked invalid, and running it again ends it
    return Seen(Outcome.NOT_DONE, f"{', '.join(left)} is still there; the drop may run again")


def _joined(node: Any) -> str:
    parts = [str(p.string.sval) for p in node.list.items]
    return qualified(parts[-2] if len(parts) > 1 else "", parts[-1])


def _exists(conn: Connection, name: str) -> bool:
    row = conn.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    return bool(row and row[0])


def _reindexed(conn: Connection, node: Any) -> Seen:
    relation = qualified(node.relation.schemaname, node.relation.relname) if node.HasField("relation") else ""
    left = conn.execute(load("postgres", "ledger_reindex_leftovers").encode(), {"relation": relation}).fetchall()
    if not left:
        return Seen(Outcome.REPEATABLE, "REINDEX may simply run again")
    names = [qualified(schema, name) for schema, name in left]
    return Seen(
        Outcome.HALF,
        f"REINDEX left {', '.join(names)}, invalid",
        tuple(f"DROP INDEX CONCURRENTLY {name}" for name in names),
        indexes=tuple((str(schema), str(name)) for schema, name in left),
    )


def _detached(conn: Connection, node: Any) -> Seen:
    command = next((c.alter_table_cmd for c in node.cmds), None)
    if command is None or grammar.enum_name(command, "subtype") != "AT_DetachPartition":
        return Seen(Outcome.UNCLEAR, "the catalog cannot tell whether ALTER TABLE took effect")
    child = getattr(command, "def").partition_cmd.name
    parent = qualified(node.relation.schemaname, node.relation.relname)
    part = qualified(child.schemaname, child.relname)
    row = conn.execute(load("postgres", "ledger_partition").encode(), {"parent": parent, "child": part}).fetchone()
    if row is None:
        return Seen(Outcome.DONE, f"{part} is no partition of {parent} any more")
    if row[0]:
        finalize = f"ALTER TABLE {parent} DETACH PARTITION {part} FINALIZE"
        return Seen(Outcome.HALF, f"detaching {part} was begun and not ended", (finalize,), finishes=True)
    return Seen(Outcome.NOT_DONE, f"{part} is still a partition of {parent}")
