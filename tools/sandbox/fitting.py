"""Synthetic rows that satisfy what a migration is about to ask of them.

A migration that adds a foreign key, a unique index or a check fails over rows that were made without knowing of it.
That says nothing of production: there only production's rows count. So the constraints of afterwards are learnt from
a run without rows, and the rows of before are made anew to satisfy them as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..records import Migration
from . import seed_catalog
from .run import run_migration
from .runs import SandboxRun
from .seed import seed
from .seed_catalog import Catalog, Column, Table

if TYPE_CHECKING:
    from .databases import SandboxDatabase
    from .server import SandboxServer

# SQLSTATE classes that tell of rows, not of statements: 22 data exception, 23 integrity constraint violation.
# Source: manual, appendix A.
OF_ROWS = ("22", "23")
DEPENDS = "depends on the rows that are there"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A state before the migration whose rows it accepts. emptied: tables that had to stay without rows for that.
    note: what this means for a reader."""

    database: SandboxDatabase
    emptied: tuple[str, ...]
    note: str


def depends_on_rows(run: SandboxRun) -> bool:
    """Whether a run failed for the rows that it met, not for its statements."""
    return not run.ok and not run.unknown and run.sqlstate[:2] in OF_ROWS


def fitted(
    server: SandboxServer, database: SandboxDatabase, migration: Migration, failed: SandboxRun, *, rows: int
) -> Fitted | None:
    """A copy of `database` (which a migration failed over, by `failed`) with rows that the migration accepts; None
    when it fails without any rows, too: then it is the migration's own fault.

    The caller drops the copy. rows: synthetic rows a table. Errors: SandboxError, psycopg.Error.
    """
    with database.connect() as conn:
        before = seed_catalog.read(conn)
    with server.clone(database) as bare:
        empty(bare, before.tables.values())
        if not run_migration(bare, migration, trace=False).ok:
            return None
        with bare.connect() as conn:
            after = seed_catalog.read(conn)
    asked = [before.tables[oid] for oid in before.tables if _asked_more(before.tables[oid], after.tables.get(oid))]
    every = list(before.tables.values())
    for chosen, filled in ((asked, True), (every, True), (asked, False), (every, False)):
        if not chosen:
            continue
        copy = server.clone(database)
        gone = empty(copy, chosen)
        if filled:
            with copy.connect() as conn:
                seed(conn, rows=rows, ahead=foreseen(before, after))
        with server.clone(copy) as trial:
            works = run_migration(trial, migration, trace=False).ok
        if works:
            return Fitted(copy, () if filled else gone, _note(failed, () if filled else gone))
        copy.drop()
    return None


def foreseen(before: Catalog, after: Catalog) -> Catalog:
    """The tables of before with what afterwards asks of their columns, too; types by what both know."""
    tables = {}
    for oid, table in before.tables.items():
        later = after.tables.get(oid)
        tables[oid] = _both(table, later, before) if later else table
    return Catalog(tables, {**after.types, **before.types})


def empty(database: SandboxDatabase, tables: Iterable[Table]) -> tuple[str, ...]:
    """The names of the tables that were emptied: these, and those that point to them."""
    names = [t.title for t in tables]
    if not names:
        return ()
    with database.connect() as conn:
        conn.execute(b"SET session_replication_role = replica")
        conn.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE".encode())
        counts = ((t, conn.execute(f"SELECT FROM {t} LIMIT 1".encode()).fetchone()) for t in _titles(conn))
        return tuple(t for t, row in counts if row is None)


def _titles(conn: object) -> list[str]:
    return [t.title for t in seed_catalog.read(conn).tables.values()]  # type: ignore[arg-type]


def _asked_more(before: Table, after: Table | None) -> bool:
    """Whether afterwards asks something of the table's rows that it did not before."""
    if after is None:
        return False
    own = {c.name: c for c in before.columns}
    return (
        len(after.foreign_keys) > len(before.foreign_keys)
        or any(c not in before.checks for c in after.checks)
        or any(u not in before.uniques for u in after.uniques)
        or any(
            c.name in own and (c.not_null, c.type) != (own[c.name].not_null, own[c.name].type) for c in after.columns
        )
    )


def _both(before: Table, after: Table, catalog: Catalog) -> Table:
    names = {c.name for c in before.columns}
    known = {(k.columns, k.target) for k in before.foreign_keys}
    keys = [
        k
        for k in after.foreign_keys
        if (k.columns, k.target) not in known
        and set(k.columns) <= names
        and k.target in catalog.tables
        and set(k.target_columns) <= {c.name for c in catalog.tables[k.target].columns}
    ]
    later = {c.name: c for c in after.columns}
    checks = [c for c in after.checks if c not in before.checks]
    gained = {c.name for c in after.columns} - names
    return replace(
        before,
        columns=[_stricter(c, later.get(c.name)) for c in before.columns],
        foreign_keys=[*before.foreign_keys, *keys],
        checks=[*before.checks, *(c for c in checks if not any(name in c for name in gained))],
        uniques=[*before.uniques, *(u for u in after.uniques if u not in before.uniques and set(u) <= names)],
    )


def _stricter(column: Column, later: Column | None) -> Column:
    """The column with values that fit both types, as far as can be told: those of the later type, unless the column
    is filled by the server or the later type is the wider of the two."""
    if later is None:
        return column
    same = later.type == column.type
    narrower = same and 0 <= later.modifier < (column.modifier if column.modifier >= 0 else later.modifier + 1)
    other = not same and column.type_text.startswith(("text", "character varying"))
    taken = replace(column, type=later.type, modifier=later.modifier) if narrower or other else column
    return replace(taken, not_null=column.not_null or later.not_null)


def _note(failed: SandboxRun, emptied: tuple[str, ...]) -> str:
    """What a reader should know of rows that were made to fit."""
    words = failed.error.split(": ", 1)[-1] if failed.line else failed.error
    how = f"without rows in {', '.join(emptied[:4])}" if emptied else "over rows made to fit"
    return f"{DEPENDS} ({words}); rehearsed {how}, production's rows were not looked at"
