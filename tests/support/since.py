"""Writes that an application makes after a migration, and whether they and the rows beside them outlive a rollback.

Tables and columns are followed by the server's own numbers (oid, attnum), which renaming does not change. What is
written keeps the rules of before as well: those values the old schema can hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
Row = tuple[str | None, ...]

VALUES = {
    "integer": "70000{n}", "bigint": "70000{n}", "smallint": "3000{n}", "numeric": "70000{n}",
    "double precision": "70000{n}", "text": "'70000{n}'", "character varying": "'70000{n}'", "character": "'s{n}'",
    "date": "'2031-01-0{n}'", "timestamp with time zone": "'2031-01-0{n} 00:00+00'", "interval": "'70{n} days'",
    "jsonb": "'{{\"s\": {n}}}'", "json": "'{{\"s\": {n}}}'", "uuid": "'00000000-0000-4000-8000-00000000000{n}'",
    "bytea": "'\\x0{n}'", "text[]": "'{{s{n}}}'", "integer[]": "'{{70000{n}}}'", "inet": "'10.9.9.{n}'",
    "int4range": "'[70000{n},70001{n})'", "short": "'s{n}'", "pair": "'(70000{n},s)'",
}  # fmt: skip
RENAMED = ("hectic", "busy")  # a label that migrations rename, and what it is called again after the rollback
MARKED = ("integer", "bigint", "numeric", "text", "character varying", "date", "uuid", "jsonb")


@dataclass(frozen=True)
class Shape:
    """A table of before: its columns by number with type and name, key columns, columns of foreign keys."""

    title: str
    columns: dict[int, tuple[str, str]]
    key: tuple[int, ...]
    bound: frozenset[int]
    free: frozenset[int]  # in no key, index or constraint
    partition: bool
    partitioned: bool

    @property
    def rows(self) -> str:
        """The table in FROM, without those that inherit from it."""
        return self.title if self.partitioned else f"ONLY {self.title}"


def shapes(conn: Connection) -> dict[int, Shape]:
    """The tables by oid."""
    rows = conn.execute(
        """SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), c.relispartition, c.relkind = 'p',
        (SELECT jsonb_object_agg(a.attnum, jsonb_build_array(format_type(a.atttypid, a.atttypmod),
           quote_ident(a.attname))) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
        (SELECT conkey FROM pg_constraint k WHERE k.conrelid = c.oid AND contype = 'p'),
        (SELECT array_agg(x) FROM pg_constraint k, unnest(conkey) AS x WHERE k.conrelid = c.oid AND contype = 'f'),
        (SELECT array_agg(x) FROM pg_constraint k, unnest(conkey) AS x WHERE k.conrelid = c.oid AND contype <> 'n'),
        (SELECT array_agg(x) FROM pg_index i, unnest(indkey) AS x WHERE i.indrelid = c.oid AND indisunique)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'
        AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')"""
    ).fetchall()
    return {
        oid: Shape(
            title,
            {int(k): (v[0], v[1]) for k, v in (columns or {}).items()},
            tuple(key or ()),
            frozenset(foreign or ()),
            frozenset(int(k) for k in columns or {}) - set(constrained or ()) - set(unique or ()),
            part,
            parted,
        )
        for oid, title, part, parted, columns, key, foreign, constrained, unique in rows
    }


@dataclass(frozen=True)
class Since:
    """What happened to a table: over the columns of before that are still there, by their old names."""

    title: str
    rows: str
    names: tuple[str, ...]
    key: tuple[str, ...]
    new: Counter[Row]
    gone: Counter[Row]
    marked: tuple[str, str] | None  # column and value of the row that was updated


def write(conn: Connection, before: dict[int, Shape]) -> list[Since]:
    """Rows inserted, one updated and one deleted in each table that was there before; committed."""
    after = shapes(conn)
    shared = {
        oid: {n: old.columns[n] for n in old.columns if after[oid].columns.get(n, ("", ""))[0] == old.columns[n][0]}
        for oid, old in before.items()
        if oid in after and not old.partition and not after[oid].partition
    }
    earlier = {oid: _rows(conn, after[oid], columns) for oid, columns in shared.items() if columns}
    marks: dict[int, tuple[str, str]] = {}
    for oid in earlier:
        old, new = before[oid], after[oid]
        for n in (1, 2):
            _insert(conn, old, new, n)
        for n, (type, name) in shared[oid].items():
            value = VALUES.get(type.split("(")[0], "").format(n=9)
            if n in old.free and n in new.free and type.split("(")[0] in MARKED:
                got = _tried(
                    conn,
                    f"UPDATE {new.rows} SET {new.columns[n][1]} = {value} WHERE (tableoid, ctid) = (SELECT tableoid,"
                    f" ctid FROM {new.rows} ORDER BY ctid LIMIT 1) RETURNING {new.columns[n][1]}::text",
                )
                if got and len(got) == 1:
                    marks[oid] = (name, got[0][0])
                    break
    for oid in earlier:
        table = after[oid].rows
        marked = marks.get(oid)
        spare = ""
        if marked:
            column = next(after[oid].columns[n][1] for n, (_, name) in shared[oid].items() if name == marked[0])
            spare = f" WHERE {column}::text IS DISTINCT FROM '{marked[1]}'"
        _tried(conn, f"DELETE FROM {table} WHERE ctid = (SELECT max(ctid) FROM {table}{spare}) RETURNING 1")
    found = []
    for oid, was in earlier.items():
        now = _rows(conn, after[oid], shared[oid])
        names = tuple(name for _, name in shared[oid].values())
        key = tuple(shared[oid][k][1] for k in before[oid].key if k in shared[oid])
        whole = len(key) == len(before[oid].key) and after[oid].key == before[oid].key
        found.append(
            Since(
                before[oid].title, before[oid].rows, names, key if whole else (), now - was, was - now, marks.get(oid)
            )
        )
    return found


def _insert(conn: Connection, old: Shape, new: Shape, n: int) -> None:
    names, values = [], []
    for number, (type, name) in new.columns.items():
        was = old.columns.get(number)
        kind = (was or (type, ""))[0]
        if number in old.bound | new.bound or kind in ("mood", "mood[]", "boolean"):
            value = f"(SELECT {name} FROM {new.title} WHERE {name} IS NOT NULL LIMIT 1)"
        elif kind.split("(")[0] in VALUES or kind in VALUES:
            text = VALUES.get(kind, VALUES.get(kind.split("(")[0], "")).format(n=n)
            value = text if was and was[0] == type else f"({text}::{kind})::text::{type}"
        else:
            continue
        names.append(name)
        values.append(value)
    if names:
        _tried(
            conn,
            (
                f"INSERT INTO {new.title} ({', '.join(names)}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values)})"
                " RETURNING 1"
            ),
        )


def _rows(conn: Connection, table: Shape, columns: dict[int, tuple[str, str]]) -> Counter[Row]:
    cells = ", ".join(f"{table.columns[n][1]}::text" for n in columns)
    found = conn.execute(f"SELECT {cells} FROM {table.rows}".encode()).fetchall()
    return Counter(tuple(c and c.replace(*RENAMED) for c in r) for r in found)


def _tried(conn: Connection, sql: str) -> list[tuple[Any, ...]] | None:
    """The rows of a statement; None when the server refuses it, at once or when deferred constraints are asked."""
    try:
        with conn.transaction():
            got = conn.execute(sql.encode()).fetchall()
            conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            return got
    except psycopg.Error:
        return None


def lost(
    conn: Connection, done: list[Since], before: dict[str, tuple[tuple[str, ...], Counter[Row]]], *, deleted_stay: bool
) -> list[str]:
    """What the rollback took of the writes, or of the rows of before that nobody wrote to since.

    before: table (with the rows of its partitions) -> columns and rows. deleted_stay: what was deleted since stays so.
    """
    said = []
    noted: dict[str, int] = {}
    there = conn.execute("SELECT to_regclass('agentdb_archive.conflicts')").fetchone()
    if there and there[0]:
        query = "SELECT relation, count(*) FROM agentdb_archive.conflicts GROUP BY 1"
        noted = dict(conn.execute(query).fetchall())
    for since in done:
        allowed = sum(noted.values())
        cells = ", ".join(f"{n}::text" for n in since.names)
        now = Counter(tuple(r) for r in conn.execute(f"SELECT {cells} FROM {since.rows}".encode()).fetchall())
        if since.marked:
            at = since.names.index(since.marked[0])
            if not any(r[at] == since.marked[1] for r in now):
                said.append(f"{since.title}: {since.marked[0]} = {since.marked[1]} written since is gone")
        names, old = before[since.title]
        whole = Counter(
            tuple(r)
            for r in conn.execute(
                f"SELECT {', '.join(f'{n}::text' for n in names)} FROM {since.rows}".encode()
            ).fetchall()
        )
        if since.key:
            at_key = [since.names.index(k) for k in since.key]
            written = {tuple(r[p] for p in at_key): r for r in since.new}
            gone = {tuple(r[p] for p in at_key) for r in since.gone} - set(written)
            keys = {tuple(r[p] for p in at_key): r for r in now}
            old_at = [names.index(k) for k in since.key]
            untouched = {r for r in old if tuple(r[p] for p in old_at) not in gone | set(written)}
            fresh = {k: r for k, r in written.items() if k not in {tuple(r[p] for p in at_key) for r in since.gone}}
            missing = [r for k, r in fresh.items() if keys.get(k) != r]
            back = [k for k in gone if k in keys]
            away = [r for r in untouched if r not in whole]
            if missing:
                said.append(f"{since.title}: written since and gone or other: {missing[:2]}")
            if len(back) > allowed and deleted_stay:
                said.append(f"{since.title}: deleted since and back: {back[:2]}")
            if len(away) > allowed:
                said.append(f"{since.title}: rows of before gone or other: {away[:2]}")
            extra = set(keys) - set(written) - {tuple(r[p] for p in old_at) for r in old}
            if len(extra) > allowed:
                said.append(f"{since.title}: rows that were not there before: {list(extra)[:2]}")
        else:
            missing_rows = list((since.new - now).elements())
            if len(missing_rows) > allowed + 1:  # the updated row may have been one of the migration's
                said.append(f"{since.title}: written since and gone or other: {missing_rows[:2]}")
            touched = sum(since.gone.values())
            away_rows = list((old - whole).elements())
            if len(away_rows) > allowed + touched:
                said.append(f"{since.title}: rows of before gone or other: {away_rows[:2]}")
    return said
