"""Synthetic rows for the sandbox, so that what a migration does to data shows: deterministic, satisfying constraints.

Tables are filled parents first, each in one statement; what the server refuses is tried again with other values, at
most a bounded number of times, and told. No row of a target is ever copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..schema.model import ObjectId
from ..sql.quote import ident
from . import seed_catalog, seed_order
from .seed_catalog import Catalog, ForeignKey, Table
from .seed_rows import NoParent, Row, Rows
from .seed_values import Unsupported

if TYPE_CHECKING:
    import psycopg

    from ..databases.postgres import Connection

ATTEMPTS = 60  # single rows tried for a table that refused the lot
HOPELESS = 20  # of them, when not one has worked
POOL = 12  # candidates for each row wanted, from which the server picks those that its checks accept
PARENTS = 200  # key values of a parent table that children choose from


@dataclass(frozen=True, slots=True)
class SeedReport:
    """rows: how many each table got (0 where it had enough). skipped: why a table got none, or fewer than asked."""

    rows: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def seed(
    connection: Connection,
    *,
    rows: int = 12,
    seed: int = 1,
    tables: Sequence[ObjectId] | None = None,
    ahead: Catalog | None = None,
) -> SeedReport:
    """Fill every table (or those named) up to `rows` rows; rows that are there stay and are counted.

    seed: another number gives other values. ahead: what the rows have to satisfy, when that is more than what the
    database asks today (see fitting.foreseen). A row that cannot be made is told, never raised.
    Errors: psycopg.Error only when the connection itself fails.
    """
    with connection.transaction():
        connection.execute(b"SET LOCAL statement_timeout = '30s'")
        connection.execute(b"SET CONSTRAINTS ALL IMMEDIATE")
        catalog = ahead or seed_catalog.read(connection)
        wanted = {(t.schema, t.name) for t in tables} if tables is not None else None
        chosen = {o: t for o, t in catalog.tables.items() if wanted is None or (t.schema, t.name) in wanted}
        filler = _Filler(connection, catalog, rows, seed, _counts(connection, chosen.values(), rows))
        for step in seed_order.steps(chosen):
            filler.fill(step)
    populate(connection)
    return SeedReport(filler.rows, filler.skipped)


def populate(connection: Connection) -> None:
    """Fill the materialized views anew, in the order in which they were made; one that fails stays as it was."""
    import psycopg

    found = connection.execute(
        "SELECT oid::regclass::text FROM pg_catalog.pg_class WHERE relkind = 'm' AND oid >= 16384 ORDER BY oid"
    ).fetchall()
    for (name,) in found:
        try:
            connection.execute(f"REFRESH MATERIALIZED VIEW {name}".encode())
        except psycopg.Error:
            continue


def _counts(connection: Connection, tables: Iterable[Table], enough: int) -> dict[int, int]:
    """How many rows each table has, counted up to `enough`."""
    parts = [f"SELECT {t.oid}, (SELECT count(*) FROM (SELECT FROM {t.title} LIMIT {enough}) s)" for t in tables]
    found: dict[int, int] = {}
    for start in range(0, len(parts), 200):
        found |= dict(connection.execute(" UNION ALL ".join(parts[start : start + 200]).encode()).fetchall())
    return found


class _Filler:
    def __init__(self, connection: Connection, catalog: Catalog, rows: int, seed: int, there: dict[int, int]) -> None:
        self.connection, self.catalog, self.wanted, self.seed, self.there = connection, catalog, rows, seed, there
        self.rows: dict[str, int] = {}
        self.skipped: dict[str, str] = {}
        self._parents: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]] = {}

    def fill(self, step: seed_order.Step) -> None:
        if len(step.tables) > 1 or any(
            k.target == t.oid for t in step.tables for k in t.foreign_keys if k not in step.later.get(t.oid, ())
        ):
            self.fill_circle(step)
        else:
            self.fill_one(step.tables[0], step.later.get(step.tables[0].oid, []))
        for table in step.tables:
            for key in step.later.get(table.oid, []):
                self.fill_later(table, key)

    # -- one table

    def fill_one(self, table: Table, later: list[ForeignKey]) -> None:
        there = self.there[table.oid]
        want = self.wanted - there
        self.rows[table.title] = 0
        if want <= 0:
            return
        maker = Rows(self.catalog, table, self.seed, self.parents, later=later, taken=self.taken(table))
        try:
            made = [row for n in range(there + 1, self.wanted + 1) if (row := maker.make(n)) is not None]
        except (NoParent, Unsupported) as problem:
            self.skipped[table.title] = str(problem)
            return
        count, error = self.insert(table, maker, made)
        if error is not None:
            for row in made:
                maker.forget(row)
            count, error = self.pick(table, maker, want)
        if error is not None:
            count, error = self.one_by_one(table, maker, want)
        self.rows[table.title] = count
        self._forget_parents(table)
        if count < want:
            reason = _said(error) if error is not None else "not enough different values"
            self.skipped[table.title] = reason if not count else f"{count} of {want} rows: {reason}"

    def insert(
        self, table: Table, maker: Rows, made: Sequence[Row], tail: str = ""
    ) -> tuple[int, psycopg.Error | None]:
        import psycopg

        try:
            with self.connection.transaction():
                cursor = self.connection.execute(_insert(table, maker, tail).encode(), (json.dumps(made),))
                return cursor.rowcount, None
        except psycopg.Error as error:
            return 0, error

    def pick(self, table: Table, maker: Rows, want: int) -> tuple[int, psycopg.Error | None]:
        """Make many rows and let the server take those that pass its own checks."""
        given = {c.name for c in maker.columns}
        checks = [c for c in table.checks if not any(c2.name in c for c2 in table.columns if c2.name not in given)]
        if not checks and not table.leaves:
            return 0, _NOT_TRIED
        pool = []
        for turn in range(POOL):
            for n in range(want):
                row = maker.make(self.there[table.oid] + 1 + n + turn * want, turn)
                if row is not None:
                    pool.append(row)
        conditions = [f"({c}) IS NOT FALSE" for c in checks]
        if table.leaves:
            conditions.append("(" + " OR ".join(f"({leaf})" for leaf in table.leaves) + ")")
        count, error = self.insert(table, maker, pool, f"WHERE {' AND '.join(conditions)} LIMIT {want}")
        if error is not None or count == 0:
            for row in pool:
                maker.forget(row)
            return 0, error or _NOT_TRIED
        return count, None

    def one_by_one(self, table: Table, maker: Rows, want: int) -> tuple[int, psycopg.Error | None]:
        count, last = 0, None
        for attempt in range(ATTEMPTS):
            if count == want or (not count and attempt >= HOPELESS):
                break
            row = maker.make(self.there[table.oid] + 1 + attempt, attempt % 7)
            if row is None:
                break
            done, error = self.insert(table, maker, [row])
            if error is not None:
                maker.forget(row)
                last = error
            count += done
        return count, None if count == want else last

    # -- tables that point to each other

    def fill_circle(self, step: seed_order.Step) -> None:
        """All tables of a circle in one statement: foreign keys are looked at when it ends."""
        import psycopg

        number = min(self.there[t.oid] for t in step.tables)
        want = self.wanted - number
        made: dict[int, list[Row]] = {t.oid: [] for t in step.tables}
        makers: dict[int, Rows] = {}

        def parents(key: ForeignKey) -> Sequence[tuple[str, ...]]:
            return (
                [tuple(str(r[c]) for c in key.target_columns) for r in made[key.target]]
                if key.target in made
                else self.parents(key)
            )

        try:
            for table in step.tables:
                self.rows[table.title] = 0
                circle = [k for k in table.foreign_keys if k.target in made]
                later = [*step.later.get(table.oid, []), *circle]
                makers[table.oid] = Rows(
                    self.catalog, table, self.seed, self.parents, later=later, explicit=True, taken=self.taken(table)
                )
                for n in range(self.there[table.oid] + 1, self.there[table.oid] + want + 1):
                    # NOT NULL keys of the circle get a value like any column, and the true one below
                    row = makers[table.oid].make(n)
                    if row is not None:
                        made[table.oid].append({c.name: row.get(c.name) for c in makers[table.oid].columns})
            for table in step.tables:
                for key in (
                    k for k in table.foreign_keys if k.target in made and k not in step.later.get(table.oid, [])
                ):
                    for n, row in enumerate(made[table.oid]):
                        row.update(zip(key.columns, parents(key)[n % len(made[key.target])], strict=True))
            parts, values = [], []
            for at, table in enumerate(step.tables):
                parts.append(f"s{at} AS ({_insert(table, makers[table.oid], overriding=True)} RETURNING 1)")
                values.append(json.dumps(made[table.oid]))
            with self.connection.transaction():
                self.connection.execute(f"WITH {', '.join(parts)} SELECT 1".encode(), values)
        except (NoParent, Unsupported) as problem:
            self.skipped |= {t.title: str(problem) for t in step.tables}
        except psycopg.Error as error:
            self.skipped |= {t.title: _said(error) for t in step.tables}
        else:
            for table in step.tables:
                self.rows[table.title] = len(made[table.oid])
                self._forget_parents(table)

    def fill_later(self, table: Table, key: ForeignKey) -> None:
        """Point two of three rows that have an empty key to some row of the table it belongs to."""
        if not self.rows.get(table.title):
            return
        others = {c for other in table.foreign_keys if other is not key for c in other.columns}
        pairs = list(zip(key.columns, key.target_columns, strict=True))
        own = [(ident(m), ident(t)) for m, t in pairs if m not in others and not table.column(m).generated]
        shared = [(ident(m), ident(t)) for m, t in pairs if m in others or table.column(m).generated]
        parent = self.catalog.tables[key.target].title
        whole = " AND ".join(f"k.{ident(t)} IS NOT NULL" for t in key.target_columns)
        # rows pair up in order, so that one-to-one keys work out; with shared columns any row that agrees will do
        choice = (
            "k.agentdb_n = 1 + m.agentdb_n % k.agentdb_c"
            if not shared
            else " AND ".join(f"k.{t} = m.{m}" for m, t in shared)
        )
        query = (
            f"WITH k AS (SELECT *, row_number() OVER (ORDER BY {', '.join(t for _, t in own)}) AS agentdb_n,"
            f" count(*) OVER () AS agentdb_c FROM {parent} AS k WHERE {whole}),"
            " m AS (SELECT *, tableoid AS agentdb_t, ctid AS agentdb_i, row_number() OVER (ORDER BY tableoid, ctid) AS agentdb_n"
            f" FROM {table.title} WHERE {' AND '.join(f'{m} IS NULL' for m, _ in own)})"
            f" UPDATE {table.title} AS x SET {', '.join(f'{m} = p.{t}' for m, t in own)} FROM m CROSS JOIN LATERAL"
            f" (SELECT * FROM k WHERE {choice} ORDER BY k.agentdb_n DESC LIMIT 1) AS p"
            " WHERE x.tableoid = m.agentdb_t AND x.ctid = m.agentdb_i AND m.agentdb_n % 3 <> 1"
        )
        import psycopg

        try:
            with self.connection.transaction():
                self.connection.execute(query.encode())
        except psycopg.Error as error:
            self.skipped.setdefault(table.title, f"{key.name} stays empty: {_said(error)}")

    # -- what is there

    def parents(self, key: ForeignKey) -> Sequence[tuple[str, ...]]:
        """The values that a foreign key may take, as texts, in their order."""
        where = (key.target, key.target_columns)
        if where not in self._parents:
            names = [ident(c) for c in key.target_columns]
            found = self.connection.execute(
                f"SELECT {', '.join(f'{n}::text' for n in names)} FROM {self.catalog.tables[key.target].title}"
                f" WHERE {' AND '.join(f'{n} IS NOT NULL' for n in names)} ORDER BY {', '.join(names)} LIMIT {PARENTS}".encode()
            ).fetchall()
            self._parents[where] = found
        return self._parents[where]

    def _forget_parents(self, table: Table) -> None:
        for where in [w for w in self._parents if w[0] == table.oid]:
            del self._parents[where]

    def taken(self, table: Table) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
        """The values of unique columns that are there already."""
        found: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for unique in table.uniques:
            found[unique] = set()
            if self.there[table.oid]:
                names = ", ".join(f"{ident(c)}::text" for c in unique)
                found[unique] = set(self.connection.execute(f"SELECT {names} FROM {table.title} LIMIT 10000".encode()))
        return found


_NOT_TRIED: Any = object()


def _insert(table: Table, maker: Rows, tail: str = "", *, overriding: bool = False) -> str:
    """INSERT of rows given as one JSON array; every value goes through its type's input function."""
    names = ", ".join(ident(c.name) for c in maker.columns)
    types = ", ".join(f"{ident(c.name)} {c.type_text}" for c in maker.columns)
    over = " OVERRIDING SYSTEM VALUE" if overriding else ""
    if not maker.columns:
        names, source = "", "pg_catalog.json_array_elements(%s::json)"
        head = f"INSERT INTO {table.title}"
    else:
        source = f"pg_catalog.json_to_recordset(%s::json) AS agentdb_rows ({types})"
        head = f"INSERT INTO {table.title} ({names}){over}"
    return f"{_plain(head)} SELECT {_plain(names)} FROM {_plain(source, 1)} {_plain(tail)}"


def _plain(text: str, parameters: int = 0) -> str:
    """The text with its percent signs kept from the driver, but for those of its parameters."""
    escaped = text.replace("%", "%%")
    return escaped.replace("%%s::json", "%s::json", 1) if parameters else escaped


def _said(error: Any) -> str:
    return "no values found that its checks accept" if error is _NOT_TRIED else error.diag.message_primary or str(error)
