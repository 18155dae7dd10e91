"""What a statement keeps others from doing, tried from a second session while the statement's transaction is open.

Each operation asks for the lock it needs and gives up at once. Source: manual, section 13.3.1: SELECT takes
ACCESS SHARE, SELECT FOR UPDATE takes ROW SHARE, writing takes ROW EXCLUSIVE, VACUUM and the gentler DDL take
SHARE UPDATE EXCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..sql.quote import literal
from .runs import BLOCKED_BY, LOCKING_READS, OPERATIONS, READS, SCHEMA_CHANGES, WRITES
from .trace import Relation

if TYPE_CHECKING:
    from ..databases.postgres import Connection

NEEDS = (
    ("ACCESS SHARE", READS),
    ("ROW SHARE", LOCKING_READS),
    ("ROW EXCLUSIVE", WRITES),
    ("SHARE UPDATE EXCLUSIVE", SCHEMA_CHANGES),
)
LOCKABLE = ("r", "p")  # LOCK TABLE takes views too, but would lock what lies below them

# One round trip for all relations: a failed LOCK is undone by the block's own subtransaction.
_BLOCK = """
BEGIN;
DO $probe$
DECLARE
    found text := '';
    relation text;
    mode text;
BEGIN
    FOREACH relation IN ARRAY %s::text[] LOOP
        FOREACH mode IN ARRAY %s::text[] LOOP
            BEGIN
                EXECUTE format('LOCK TABLE %%s IN %%s MODE NOWAIT', relation, mode);
            EXCEPTION WHEN lock_not_available THEN
                found := found || relation || '=' || mode || E'\\n';
            END;
        END LOOP;
    END LOOP;
    PERFORM set_config('agentdb.blocked', found, true);
END
$probe$;
SELECT current_setting('agentdb.blocked');
ROLLBACK
"""


def blocked(
    connection: Connection, relations: Mapping[int, Relation], held: Mapping[int, str]
) -> dict[str, tuple[str, ...]]:
    """What cannot be done now, by relation; only relations where something cannot.

    held: the relations to try, with the mode that was taken on each. What LOCK TABLE does not take (materialized
    views, sequences, foreign tables) is told from the mode by the manual's table of conflicts.
    """
    found: dict[str, tuple[str, ...]] = {}
    tried = []
    for oid, mode in held.items():
        relation = relations[oid]
        if relation.kind in LOCKABLE:
            if BLOCKED_BY[mode]:
                tried.append(relation.title)
        elif operations := told(relation, mode):
            found[relation.title] = operations
    if tried:
        modes = "ARRAY[" + ", ".join(literal(mode) for mode, _ in NEEDS) + "]"
        names = "ARRAY[" + ", ".join(literal(name) for name in tried) + "]"
        cursor = connection.execute((_BLOCK % (names, modes)).encode())
        while not cursor.description:
            cursor.nextset()
        row = cursor.fetchone()
        for line in row[0].splitlines() if row else ():
            name, _, mode = line.rpartition("=")
            found[name] = (*found.get(name, ()), *dict(NEEDS)[mode])
    return found


def told(relation: Relation, mode: str) -> tuple[str, ...]:
    """What the mode keeps waiting on the relation, by the manual's table of conflicts."""
    sensible = {"r": OPERATIONS, "p": OPERATIONS, "f": OPERATIONS, "m": (*READS, *SCHEMA_CHANGES), "S": WRITES}
    return tuple(operation for operation in BLOCKED_BY[mode] if operation in sensible.get(relation.kind, ()))


def together(found: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Every operation that is blocked on some relation, in the order of runs.OPERATIONS."""
    every = {operation for operations in found.values() for operation in operations}
    return tuple(operation for operation in OPERATIONS if operation in every)
