"""Queries that lose the index that finds their rows.

The tables of a rollout are empty, so that costs mean nothing; but with sequential scans switched off the planner shows
which index can serve a query at all. It is asked on the schema before, and on each later one where an index that a query
used is gone. Nothing is run. Source: manual, EXPLAIN, GENERIC_PLAN (from PostgreSQL 16 on); 19.7 enable_seqscan.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from .model import Change, Query

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from .rollout import Step

RULE = "slowing-query"
SINCE = 160000
ASKING = {
    "enable_seqscan": "off",
    "cpu_tuple_cost": "0.05",  # rather few rows and a sort than many in order, as with ORDER BY id LIMIT 1
    "max_parallel_workers_per_gather": "0",
    "default_transaction_read_only": "on",
}

BITMAPS = ("Bitmap Index Scan", "BitmapAnd", "BitmapOr")

# How well an index serves: not at all (it is gone through as a whole), by holding few rows alone, by a condition.
NOT, PARTLY, WELL = range(3)


@dataclass(frozen=True, slots=True)
class Index:
    """An index. shown, table: as one would write them, of a partition's those of the whole. first: what a B-tree begins
    with, else None. names: what a statement that drops it may call it, the likeliest first."""

    number: int
    shown: str
    table: str
    first: str | None
    partial: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The valid indexes by schema and name, and the numbers of the tables."""

    indexes: dict[tuple[str, str], Index]
    tables: dict[tuple[str, str], int]

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(index.number for index in self.indexes.values())


@dataclass(frozen=True, slots=True)
class Scan:
    """How a plan reaches a table: how well an index serves, and by which; index: the one that it goes through anyway.
    conditional: that one has a condition, only not on what it begins with."""

    table: tuple[str, str]
    serves: int
    by: tuple[Index, ...] = ()
    index: Index | None = None
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """What serves the queries on the schema before."""

    catalog: Catalog
    scans: dict[Query, tuple[Scan, ...]]

    def now(
        self, database: SandboxDatabase, step: Step, well: Collection[Query]
    ) -> Iterator[tuple[str, Change | None]]:
        """For each query that the schema takes (well) and each index that it used: its key, and the change that holds
        now or None. What the server does not plan is left out. Errors: psycopg.Error when the sandbox fails."""
        with database.connect(**ASKING) as conn:
            catalog = _catalog(conn)
            there = catalog.numbers
            for query, before in self.scans.items():
                used = {index.number: index for scan in before for index in scan.by}
                if query not in well or not used:
                    continue
                after = _scans(conn, query, catalog) if used.keys() - there else ()
                if after is None:
                    continue
                lost: dict[str, Change | None] = {}
                for index in used.values():
                    worse = None if index.number in there else self._worse(index, before, after, catalog)
                    if lost.get(index.shown) is None:
                        lost[index.shown] = _change(query, index, worse, catalog, step) if worse else None
                for shown, change in lost.items():
                    yield f"{query.place}{query.text} {shown}", change

    def _worse(self, index: Index, before: Sequence[Scan], after: Sequence[Scan], catalog: Catalog) -> Scan | None:
        """A scan that is worse than the one by the index was, where there are more such of the table than before."""
        for scan in before:
            if index not in scan.by:
                continue
            number = self.catalog.tables.get(scan.table)
            now = [s for s in after if s.table == scan.table or catalog.tables.get(s.table) == number]
            worse = [s for s in now if s.serves < scan.serves]
            if len(worse) > sum(s.table == scan.table and s.serves < scan.serves for s in before):
                return worse[-1]
        return None


def before(database: SandboxDatabase, queries: Sequence[Query]) -> Served | None:
    """What serves the queries now; None when there are none, or the server cannot tell.
    Errors: psycopg.Error when the sandbox fails."""
    if not queries:
        return None
    with database.connect(**ASKING) as conn:
        if conn.info.server_version < SINCE:
            return None
        catalog = _catalog(conn)
        found = {query: _scans(conn, query, catalog) for query in queries}
    return Served(catalog, {query: scans for query, scans in found.items() if scans})


def _catalog(conn: Connection) -> Catalog:
    indexes, tables = {}, {}
    for schema, table, table_oid, table_shown, number, name, shown, first, partial, names in conn.execute(
        load("postgres", "appcompat_indexes").encode()
    ).fetchall():
        tables[schema, table] = table_oid
        if number is not None:
            indexes[schema, name] = Index(number, shown, table_shown, first, partial, tuple(names))
    return Catalog(indexes, tables)


def _scans(conn: Connection, query: Query, catalog: Catalog) -> tuple[Scan, ...] | None:
    """How the server would reach each table; None when it does not plan the query."""
    import psycopg

    try:
        found = _plan(conn, query, catalog)
        if all(scan.serves != PARTLY for scan in found):
            return found
        with conn.transaction(force_rollback=True):
            conn.execute("SET TRANSACTION READ WRITE")
            return _without_partial(conn, query, catalog, found)
    except psycopg.Error:
        if conn.closed:
            raise
        return None


def _without_partial(conn: Connection, query: Query, catalog: Catalog, found: tuple[Scan, ...]) -> tuple[Scan, ...]:
    """The scans, with those by a partial index that has no condition replaced where another index has one: with empty
    tables the planner likes the smaller index best. Such indexes are dropped for that; the caller rolls back.
    Errors: psycopg.Error."""
    import psycopg

    scans, dropped = found, set[str]()
    while more := {s.index.shown for s in scans if s.serves == PARTLY and s.index is not None} - dropped:
        dropped |= more
        try:
            with conn.transaction():
                for name in sorted(more):
                    conn.execute(f"DROP INDEX {name}".encode())
        except psycopg.Error:  # something stands on it
            break
        scans = _plan(conn, query, catalog)
    tables = {s.table for s in found if s.serves == PARTLY}
    better = {t for t in tables if all(s.serves == WELL for s in scans if s.table == t)}
    return (*(s for s in found if s.table not in better), *(s for s in scans if s.table in better))


def _plan(conn: Connection, query: Query, catalog: Catalog) -> tuple[Scan, ...]:
    """The scans of a plan. The text is one statement: Parse took it as such before, which matters since GENERIC_PLAN's
    parameters want the simple protocol. Errors: psycopg.Error."""
    row = conn.execute(b"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) " + query.text.encode()).fetchone()
    plans = [one["Plan"] for one in row[0] if "Plan" in one] if row else []
    return tuple(scan for plan in plans for scan in _read(plan, catalog))


def _read(node: dict[str, Any], catalog: Catalog) -> Iterator[Scan]:
    table = (node.get("Schema", ""), node.get("Relation Name", ""))
    match node["Node Type"]:
        case "Seq Scan":
            yield Scan(table, NOT)
        case "Index Scan" | "Index Only Scan":
            yield _by_index(node, table, catalog)
        case "Bitmap Heap Scan":
            yield from (_bitmap(below, table, catalog) for below in node["Plans"] if below["Node Type"] in BITMAPS)
    for below in node.get("Plans", ()):
        if below["Node Type"] not in BITMAPS:
            yield from _read(below, catalog)


def _by_index(node: dict[str, Any], table: tuple[str, str], catalog: Catalog) -> Scan:
    index = catalog.indexes.get((table[0], node["Index Name"]))
    condition = node.get("Index Cond", "")
    if index is None:  # of the server's own tables
        return Scan(table, WELL)
    serves = PARTLY if index.partial else NOT
    if "Order By" in node or (condition and _begins(index.first, condition)):
        serves = WELL
    return Scan(table, serves, (index,) if serves else (), index, bool(condition))


def _bitmap(node: dict[str, Any], table: tuple[str, str], catalog: Catalog) -> Scan:
    if node["Node Type"] == "Bitmap Index Scan":
        return _by_index(node, table, catalog)
    below = [_bitmap(one, table, catalog) for one in node["Plans"]]
    best = max if node["Node Type"] == "BitmapAnd" else min
    chosen = best(below, key=lambda scan: scan.serves)
    by = tuple(index for scan in below for index in scan.by) if chosen.serves else ()
    return Scan(table, chosen.serves, by, chosen.index, chosen.conditional)


def _begins(first: str | None, condition: str) -> bool:
    """Whether a condition is on what the index begins with (None: it serves whatever it is on)."""
    if first is None:
        return True
    wanted = _bare(first)
    while wanted.startswith("(") and wanted.endswith(")"):
        wanted = wanted[1:-1]
    return re.search(rf'(?<![\w"]){re.escape(wanted)}(?![\w"])', _bare(condition)) is not None


def _bare(expression: str) -> str:
    """An expression without the aliases and schemas before its names."""
    return re.sub(r'(?<![\w"])(?:"(?:[^"]|"")+"|[^\W\d]\w*)\.(?=[\w"])', "", expression)


def _change(query: Query, index: Index, worse: Scan, catalog: Catalog, step: Step) -> Change:
    other = any(one.shown == index.shown for one in catalog.indexes.values())
    how = f"all of {index.table} is read instead"
    if worse.index is not None and worse.conditional:
        how = f"{worse.index.shown}, which begins with another column, is gone through instead"
    elif worse.index is not None and worse.serves:
        how = f"all of index {worse.index.shown} is read instead"
    what = f"index {index.shown} {'is another one now' if other else 'is gone'}, and {how}"
    line, statement = _blame(step, index)
    return Change(RULE, step.moment, query.title, query.text, what, line=line, statement=statement)


def _blame(step: Step, index: Index) -> tuple[int, int]:
    """(line, index) of the statement that took the index away, as far as names tell."""
    taking = ("drop_stmt", "alter_table_stmt", "rename_stmt")
    for name in index.names:
        written = name.replace('"', '""')
        named = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)", re.IGNORECASE)
        for parsed in step.statements:
            if parsed.node_name in taking and named.search(parsed.statement.text):
                return parsed.statement.span.line, parsed.statement.index
    return step.moment.line, step.moment.statement
