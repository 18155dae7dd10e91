"""What a statement keeps others from doing, tried from a second session while the statement's transaction is open.

Each operation asks for the lock it needs and gives up at once. Source: manual, section 13.3.1: SELECT takes
ACCESS SHARE, SELECT FOR UPDATE takes ROW SHARE, writing takes ROW EXCLUSIVE, VACUUM and the gentler DDL take
SHARE UPDATE EXCLUSIVE. A foreign key's checks read the other table FOR KEY SHARE, or write it for CASCADE and
SET NULL (src/backend/utils/adt/ri_triggers.c). Rows that are locked are those that SKIP LOCKED leaves out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..databases.queries import load
from ..sql.quote import literal
from .runs import BLOCKED_BY, DIRECT, KEY_WRITES, LOCKING_READS, OPERATIONS, READS, SCHEMA_CHANGES, WRITES
from .trace import Reference, Relation

if TYPE_CHECKING:
    from ..databases.postgres import Connection

NEEDS = (
    ("ACCESS SHARE", READS),
    ("ROW SHARE", LOCKING_READS),
    ("ROW EXCLUSIVE", WRITES),
    ("SHARE UPDATE EXCLUSIVE", SCHEMA_CHANGES),
)
LOCKABLE = ("r", "p")  # LOCK TABLE takes views too, but would lock what lies below them


@dataclass(slots=True)
class Tried:
    """blocked: what cannot be done now, by relation. known: False when some of it could not be tried. rows_locked: see
    runs.StatementRun."""

    blocked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known: bool = True
    rows_locked: dict[str, int] = field(default_factory=dict)


def tried(
    connection: Connection,
    relations: Mapping[int, Relation],
    held: Mapping[int, str],
    references: Iterable[Reference] = (),
    changed: Collection[int] = (),
) -> Tried:
    """What cannot be done now; never an error.

    held: the relations to try, with the mode that was taken on each. What LOCK TABLE does not take (materialized
    views, sequences, foreign tables) is told from the mode by the manual's table of conflicts. changed: tables whose
    locked rows to count.
    """
    seen = Tried()
    refused: dict[int, set[str]] = {}
    asked = []
    for oid, mode in held.items():
        relation = relations[oid]
        if relation.kind in LOCKABLE:
            if BLOCKED_BY[mode]:
                asked.append(oid)
        elif operations := told(relation, mode):
            seen.blocked[relation.title] = operations
    if asked or changed:
        lines = _ask(connection, asked, changed)
        seen.known = lines is not None
        for line in lines or ():
            number, mark, rest = line.partition("=" if "=" in line else "#")
            oid, title = int(number), relations[int(number)].title
            if rest == "?":
                seen.known = False
            elif mark == "=":
                refused.setdefault(oid, set()).add(rest)
                seen.blocked[title] = (*seen.blocked.get(title, ()), *dict(NEEDS)[rest])
            elif int(rest) > 0:
                seen.rows_locked[title] = int(rest)
    across(seen.blocked, relations, refused, references)
    return seen


def _ask(connection: Connection, asked: Sequence[int], changed: Collection[int]) -> list[str] | None:
    """The lines that the probe found; None when it could not be run."""
    import psycopg

    modes = "{" + ",".join(f'"{mode}"' for mode, _ in NEEDS) + "}"
    settings = {"tried": _oids(asked), "changed": _oids(changed), "modes": modes}
    text = "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL search_path = pg_catalog;"
    text += "".join(f" SET LOCAL agentdb.{name} = {literal(value)};" for name, value in settings.items())
    text += f"\n{load('postgres', 'sandbox_probe')};\nROLLBACK"
    try:
        cursor = connection.execute(text.encode())
        while not cursor.description:
            cursor.nextset()
        row = cursor.fetchone()
        return row[0].splitlines() if row else None
    except psycopg.Error:
        if not connection.closed and not connection.broken:
            connection.execute(b"ROLLBACK")
        return None


def _oids(oids: Iterable[int]) -> str:
    return "{" + ",".join(map(str, oids)) + "}"


def refused_by(held: Mapping[int, str]) -> dict[int, set[str]]:
    """The lock modes that cannot be had on relations where these are held, by the manual's table of conflicts."""
    return {
        oid: {need for need, operations in NEEDS if {*operations} & {*BLOCKED_BY[mode]}} for oid, mode in held.items()
    }


def across(
    blocked: dict[str, tuple[str, ...]],
    relations: Mapping[int, Relation],
    refused: Mapping[int, set[str]],
    references: Iterable[Reference],
) -> None:
    """Add the writes that wait on account of a foreign key, on tables that can be written otherwise.

    refused: the lock modes that cannot be had, by relation.
    """
    for key in references:
        needed = "ROW EXCLUSIVE" if key.acts else "ROW SHARE"
        for writer, read, mode in ((key.child, key.parent, "ROW SHARE"), (key.parent, key.child, needed)):
            if mode not in refused.get(read, ()) or writer not in relations:
                continue
            title = relations[writer].title
            operations = blocked.get(title, ())
            if not {*WRITES, *KEY_WRITES} & set(operations):
                blocked[title] = tuple(o for o in OPERATIONS if o in (*operations, *KEY_WRITES))


def told(relation: Relation, mode: str) -> tuple[str, ...]:
    """What the mode keeps waiting on the relation, by the manual's table of conflicts."""
    sensible = {"r": DIRECT, "p": DIRECT, "f": DIRECT, "m": (*READS, *SCHEMA_CHANGES), "S": WRITES}
    return tuple(operation for operation in BLOCKED_BY[mode] if operation in sensible.get(relation.kind, ()))


def together(found: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Every operation that is blocked on some relation, in the order of runs.OPERATIONS."""
    every = {operation for operations in found.values() for operation in operations}
    return tuple(operation for operation in OPERATIONS if operation in every)
