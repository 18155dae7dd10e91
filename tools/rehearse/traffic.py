"""What an application does on the tables that a migration touches, made from the catalog: reads and changes by key, and
new rows. Each operation is one statement in a transaction of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..sandbox import seed_catalog
from ..sandbox.seed_catalog import Catalog, Table
from ..sandbox.seed_more import further
from ..sandbox.swell import root_of
from ..sql.quote import ident

if TYPE_CHECKING:
    from ..databases.postgres import Connection

KEYS = 200  # of each table, that operations ask for
FRESH = 400  # rows of each table, ready to be inserted
MIX = (("SELECT", 14), ("UPDATE", 3), ("INSERT", 3))  # of twenty operations


@dataclass(frozen=True, slots=True)
class Operation:
    """One sort of operation on one table. sql takes as many parameters as each of `values` holds."""

    kind: str
    table: str
    sql: str
    values: tuple[tuple[str, ...], ...]


def operations(connection: Connection, tables: Sequence[str], ahead: Catalog | None = None) -> tuple[Operation, ...]:
    """The operations that can be done on the tables (as schema.table); partitions are reached by their root.

    ahead: what rows to insert have to satisfy, so that the migration does not fail for them.
    """
    catalog = seed_catalog.read(connection)
    wanted = dict.fromkeys(root_of(connection, title) for title in tables)
    by_title = {table.title: table for table in catalog.tables.values()}
    fresh = further(connection, FRESH, tables=list(wanted), ahead=ahead)
    found: list[Operation] = []
    for title in wanted:
        table = by_title.get(title)
        if table is None:  # a materialized view, or a table that seeding leaves alone
            found.append(Operation("SELECT", title, f"SELECT * FROM {title} LIMIT 1", ((),)))
            continue
        found += _by_key(connection, table)
        if title in fresh:
            found.append(Operation("INSERT", title, fresh[title].sql, tuple((row,) for row in fresh[title].rows)))
    return tuple(o for o in found if _works(connection, o))


def _works(connection: Connection, operation: Operation) -> bool:
    """Whether the operation can be done before the migration; tried once, and undone."""
    import psycopg

    try:
        with connection.transaction(force_rollback=True):
            connection.execute(operation.sql.encode(), operation.values[0])
    except psycopg.Error:
        return False
    return True


def _by_key(connection: Connection, table: Table) -> list[Operation]:
    """Reading and changing single rows by a key that is never NULL; without such a key, reading some row."""
    key = next((u for u in table.uniques if all(table.column(c).not_null for c in u)), ())
    if not key:
        return [Operation("SELECT", table.title, f"SELECT * FROM {table.title} LIMIT 1", ((),))]
    names = ", ".join(f"{ident(c)}::text" for c in key)
    rows = connection.execute(f"SELECT {names} FROM {table.title} LIMIT {KEYS}".encode()).fetchall()
    if not rows:
        return [Operation("SELECT", table.title, f"SELECT * FROM {table.title} LIMIT 1", ((),))]
    values = tuple(tuple(str(v) for v in row) for row in rows)
    types = {c.name: c.type_text.replace("%", "%%") for c in table.columns}
    where = " AND ".join(f"{_plain(c)} = %s::{types[c]}" for c in key)
    title = table.title.replace("%", "%%")
    made = [Operation("SELECT", table.title, f"SELECT * FROM {title} WHERE {where}", values)]
    if column := _changeable(table):
        sql = f"UPDATE {title} SET {_plain(column)} = {_plain(column)} WHERE {where}"
        made.append(Operation("UPDATE", table.title, sql, values))
    return made


def _plain(name: str) -> str:
    return ident(name).replace("%", "%%")


def _changeable(table: Table) -> str:
    """A column that is in no key; "" when there is none."""
    keyed = {c for u in table.uniques for c in u} | {c for k in table.foreign_keys for c in k.columns}
    return next((c.name for c in table.columns if c.name not in keyed and not c.generated and not c.identity), "")


class Mix:
    """What one session does, one operation after the other; the same number gives the same series.

    Sessions share no rows to insert: each has its own part of them.
    """

    def __init__(self, made: Sequence[Operation], number: int, sessions: int) -> None:
        self.chance = random.Random(f"agentdb/{number}")
        self.by_kind = {kind: [o for o in made if o.kind == kind] for kind, _ in MIX}
        self.kinds = [kind for kind, weight in MIX if self.by_kind[kind] for _ in range(weight)]
        self.fresh = {o: list(o.values[number::sessions]) for o in self.by_kind["INSERT"]}

    def next(self) -> tuple[Operation, tuple[str, ...]]:
        """The next operation and its parameters."""
        kind = self.chance.choice(self.kinds)
        operation = self.chance.choice(self.by_kind[kind])
        if kind != "INSERT":
            return operation, self.chance.choice(operation.values)
        if self.fresh[operation]:
            return operation, self.fresh[operation].pop()
        operation = self.chance.choice(self.by_kind["SELECT"])
        return operation, self.chance.choice(operation.values)
