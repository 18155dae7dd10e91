"""A table moved to schema agentdb_archive in place of being dropped: catalog changes only, whatever its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...databases.queries import load
from ...sql.quote import ident, qualified
from ..preimages import ARCHIVE
from .names import Aside, table_name

if TYPE_CHECKING:
    from ...databases.postgres import Connection


class Table(NamedTuple):
    """A table as the catalog has it. foreign_keys: its own; indexes, sequences: what moves with it."""

    oid: int
    schema: str
    name: str
    kind: str
    is_partition: bool
    persistence: str
    inherits: bool
    typed: bool
    foreign_keys: list[str]
    indexes: list[str]
    sequences: list[str]


def look(conn: Connection, name: str) -> Table | None:
    """The table of a name as a script writes it, None when there is none."""
    row = conn.execute(load("postgres", "set_aside_table").encode(), {"name": name}).fetchone()
    return Table(*row) if row else None


def unfit(table: Table) -> str:
    """Why the table cannot be moved, or have a column set aside; "" when it can."""
    if table.kind == "p":
        return "it is partitioned: each partition would have to follow by itself"
    if table.is_partition:
        return "it is a partition, and would be read whole when it is attached again"
    if table.kind != "r":
        return "it is no ordinary table"
    if table.persistence == "t":
        return "it is temporary"
    if table.inherits:
        return "other tables inherit from it, or it from them"
    return ""


def moved(label: str, number: int, table: Table) -> tuple[Aside, list[str]]:
    """The table set aside, and the statements that do it. Indexes and sequences move along, under names of their own,
    so that nothing that was archived earlier is in the way. Its foreign keys go: they would still stop deletes and
    updates in the tables that they point at."""
    now = table_name(label, number, table.schema, table.name)
    here = qualified(table.schema, table.name)
    statements = [f"ALTER TABLE {here} DROP CONSTRAINT {ident(key)}" for key in table.foreign_keys]
    for word, names in (("INDEX", table.indexes), ("SEQUENCE", table.sequences)):
        for name in names:
            other = table_name(label, number, table.schema, name)
            statements.append(f"ALTER {word} {qualified(table.schema, name)} RENAME TO {ident(other)}")
    statements.append(f"ALTER TABLE {here} RENAME TO {ident(now)}")
    statements.append(f"ALTER TABLE {qualified(table.schema, now)} SET SCHEMA {ARCHIVE}")
    return Aside("table", table.schema, table.name, "", now), statements
