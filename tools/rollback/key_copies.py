"""The names of a foreign key's copies, one for each partition of the table that it refers to.

The server makes and names them; they come and go with the key and with partitions, and a key made anew gets copies
with other names. Nothing but their names can differ. Source: addFkRecurseReferenced in commands/tablecmds.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..databases.queries import load
from ..sql.quote import ident
from .notes import Note

if TYPE_CHECKING:
    from ..databases.postgres import Connection


class Place(NamedTuple):
    """A copy without its name: the table that refers and the partition, both quoted; the referring columns; which
    one of several for the same three."""

    table: str
    partition: str
    columns: tuple[str, ...]
    number: int = 0


Copies = Mapping[Place, str]


def read(conn: Connection) -> Copies:
    """The copies of this moment with their names."""
    found: dict[Place, str] = {}
    query = load("postgres", "rollback_key_copies")
    for table, partition, columns, name in conn.execute(query.encode()).fetchall():
        place = Place(table, partition, tuple(columns))
        while place in found:
            place = place._replace(number=place.number + 1)
        found[place] = name
    return found


def otherwise(before: Copies, now: Copies) -> dict[Place, str]:
    """The copies that are there and have other names than before, with the names they have."""
    return {place: now[place] for place, name in sorted(before.items()) if now.get(place, name) != name}


def renamed(before: Copies, now: Copies) -> list[Note]:
    """Statements that give the copies their names of before; by way of others where names are exchanged."""
    todo = otherwise(before, now)
    taken = {(place.table, name) for place, name in now.items()}
    exchanged = any((place.table, before[place]) in taken for place in todo)
    first, last = [], []
    for number, (place, name) in enumerate(todo.items()):
        head = f"ALTER TABLE {place.table} RENAME CONSTRAINT"
        if exchanged:
            first.append(f"{head} {ident(name)} TO {ident(f'agentdb_{number}')}")
            name = f"agentdb_{number}"
        last.append(f"{head} {ident(name)} TO {ident(before[place])}")
    comment = "What the server names itself: copies of foreign keys, one for each partition."
    return [Note(comment if not n else "", sql) for n, sql in enumerate(first + last)]
