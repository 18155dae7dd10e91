"""Tables made larger from the synthetic rows that are in them, so that the server does the work and Python does not.

A row is copied with what must differ changed: numbers and times move on by the span that they cover, texts and uuids
get the copy's number, keys that point to another table take one that is still free. Nothing is invented where that is
not enough: the table stays as it is, and is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..sql.quote import ident
from . import seed_catalog, seed_order
from .seed_catalog import Catalog, Column, ForeignKey, Table

if TYPE_CHECKING:
    from ..databases.postgres import Connection

NUMBERS = ("int4", "int8", "numeric", "float8")
TEXTS = ("text", "varchar", "bpchar", "citext", "name")
MOMENTS = ("timestamp", "timestamptz")
BATCH = "agentdb_copy"


@dataclass(frozen=True, slots=True)
class Swollen:
    """rows: how many each table has now. skipped: why a table did not grow."""

    rows: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def swell(connection: Connection, rows: int, *, tables: Collection[str] | None = None, timeout: str = "60s") -> Swollen:
    """Copy rows until each table (or those named, as schema.table) has `rows` rows; then ANALYZE them.

    Triggers and foreign keys are not asked where the login may switch them off: keys stay true by construction.
    Errors: psycopg.Error only when the connection itself fails.
    """
    catalog = seed_catalog.read(connection)
    made = Swollen()
    with connection.transaction():
        connection.execute(b"SELECT set_config('statement_timeout', %s, true)", (timeout,))
        _quietly(connection, "SET LOCAL session_replication_role = replica")
        for step in seed_order.steps(catalog.tables):
            for table in step.tables:
                if tables is None or table.title in tables:
                    _grow(connection, catalog, table, rows, made)
    for title in made.rows:
        connection.execute(f"ANALYZE {title}".encode())
    return made


def root_of(connection: Connection, title: str) -> str:
    """The partitioned table at the top of a partition; the table itself when it is none."""
    row = connection.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = pg_catalog.pg_partition_root(pg_catalog.to_regclass(%s))",
        (title,),
    ).fetchone()
    return title if row is None else str(row[0])


def parents_of(connection: Connection, titles: Sequence[str]) -> list[str]:
    """The tables that these refer to: keys that must be free come from there."""
    rows = connection.execute(
        "SELECT DISTINCT format('%%I.%%I', n.nspname, c.relname) FROM pg_catalog.pg_constraint k"
        " JOIN pg_catalog.pg_class c ON c.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE k.contype = 'f' AND k.conrelid = ANY (SELECT pg_catalog.to_regclass(t)::oid FROM unnest(%s::text[]) t)",
        (list(titles),),
    ).fetchall()
    return [str(name) for (name,) in rows]


def _quietly(connection: Connection, sql: str) -> None:
    import psycopg

    try:
        with connection.transaction():
            connection.execute(sql.encode())
    except psycopg.Error:
        pass


def _grow(connection: Connection, catalog: Catalog, table: Table, wanted: int, made: Swollen) -> None:
    import psycopg

    there = _one(connection, f"SELECT count(*) FROM {table.title}")
    made.rows[table.title] = there
    if there >= wanted:
        return
    if not there:
        made.skipped[table.title] = "there is no row to copy"
        return
    try:
        with connection.transaction():
            cursor = connection.execute(copying(catalog, table, there, wanted - there).encode())
            made.rows[table.title] = there + cursor.rowcount
    except psycopg.Error as error:
        made.skipped[table.title] = error.diag.message_primary or str(error)
    except LookupError as problem:
        made.skipped[table.title] = str(problem)


def copying(catalog: Catalog, table: Table, there: int, more: int) -> str:
    """The INSERT that adds up to `more` rows to the `there` that the table has. Errors: LookupError when it knows none."""
    columns = [c for c in table.columns if not c.generated and not c.sequence]
    own = {c.name for c in columns}
    keyed = {c for key in table.foreign_keys for c in key.columns}
    changed: dict[str, str] = {}
    free: list[ForeignKey] = []
    for unique in table.uniques:
        if set(unique) - own or set(unique) & set(changed):
            continue  # the server numbers one of its columns, or one is different already
        candidates = [table.column(name) for name in unique if name not in keyed]
        found = next(((c, text) for c in _in_order(catalog, candidates) if (text := _moved(catalog, table, c))), None)
        if found is not None:
            changed[found[0].name] = found[1]
            continue
        # Keys that no row of the table has make any combination with them a new one, whatever else is copied.
        keys = [k for k in table.foreign_keys if set(k.columns) & set(unique)]
        if free or not keys:
            raise LookupError(f"no other values are known for {', '.join(unique)}")
        free = keys
    names = ", ".join(ident(c.name) for c in columns)
    head = f"INSERT INTO {table.title} ({names})" if columns else f"INSERT INTO {table.title}"
    fresh = _free_keys(table, catalog, free, more)
    shown = {c: f"f.{ident(c)}" for key in free for c in key.columns} | changed
    values = ", ".join(shown.get(c.name, f"b.{ident(c.name)}") for c in columns)
    if fresh:
        numbered = f"(SELECT *, row_number() OVER () AS {BATCH} FROM {table.title}) AS b"
        source = f"{numbered} JOIN ({fresh}) AS f ON b.{BATCH} = 1 + (f.{BATCH} - 1) % {there}"
        values = values.replace("g.n", f"(1 + (f.{BATCH} - 1) / {there})")
    else:
        source = f"{table.title} AS b CROSS JOIN generate_series(1, {-(-more // there)}) AS g(n)"
    return f"{head} SELECT {values} FROM {source} LIMIT {more}"


def _in_order(catalog: Catalog, columns: Iterable[Column]) -> list[Column]:
    """Numbers first: they are the cheapest to keep different."""
    order = (*NUMBERS, "uuid", *TEXTS, *MOMENTS, "date")
    return sorted(columns, key=lambda c: order.index(name) if (name := _type(catalog, c)) in order else len(order))


def _type(catalog: Catalog, column: Column) -> str:
    kind = catalog.types.get(column.type)
    while kind is not None and kind.sort == "d":
        kind = catalog.types.get(kind.base)
    return kind.name if kind is not None else ""


def _moved(catalog: Catalog, table: Table, column: Column) -> str:
    """The column's value in copy g.n of row b, different from that of every other row; "" when none is known."""
    kind, name = _type(catalog, column), ident(column.name)
    span = f"(SELECT max({name}) - min({name}) FROM {table.title})"
    if kind in NUMBERS:
        return f"b.{name} + (g.n * ({span} + 1))"
    if kind in MOMENTS:
        return f"b.{name} + g.n * ({span} + interval '1 day')"
    if kind == "date":
        return f"b.{name} + (g.n * ({span} + 1))::int"
    if kind == "uuid":
        return f"md5(b.{name}::text || g.n)::uuid"
    if kind in TEXTS:
        marked = f"'k' || to_hex(g.n) || b.{name}"
        return f"left({marked}, {column.modifier - 4})" if column.modifier > 4 else f"({marked})"
    return ""


def _free_keys(table: Table, catalog: Catalog, keys: list[ForeignKey], more: int) -> str:
    """A query of key values that no row of the table has yet, numbered from 1; "" for no keys."""
    if not keys:
        return ""
    parents = [f"{catalog.tables[key.target].title} AS p{n}" for n, key in enumerate(keys)]
    pairs = {
        mine: f"p{n}.{ident(theirs)}"
        for n, key in enumerate(keys)
        for mine, theirs in zip(key.columns, key.target_columns, strict=True)
    }
    shown = ", ".join(f"{value} AS {ident(name)}" for name, value in pairs.items())
    same = " AND ".join(f"x.{ident(name)} = {value}" for name, value in pairs.items())
    return (
        f"SELECT {shown}, row_number() OVER () AS {BATCH} FROM {' CROSS JOIN '.join(parents)}"
        f" WHERE NOT EXISTS (SELECT FROM {table.title} AS x WHERE {same}) LIMIT {more}"
    )


def _one(connection: Connection, sql: str) -> int:
    row = connection.execute(sql.encode()).fetchone()
    return int(row[0]) if row else 0
