"""The rows of tables, in full where they are few, else as count and hash: for telling whether they came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..schema.model import ObjectId, Snapshot
from ..sql.quote import ident, qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection

FEW = 200  # rows of a table that are read in full
_BATCH = 60  # tables asked in one query

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table's rows over `columns`. rows: with how often each occurs, None where there are many.

    missing: the table, or the columns of it, that are not there to compare ("" when all are).
    """

    columns: tuple[str, ...]
    count: int
    digest: str
    rows: Mapping[Row, int] | None = None
    missing: str = ""


def tables_of(snapshot: Snapshot) -> dict[ObjectId, tuple[str, ...]]:
    """The tables with rows of their own (partitions are read through the table at the top) and their columns."""
    found = {}
    for table in snapshot.of("table"):
        if not table.properties.get("partition_of"):
            found[table.id] = tuple(sorted(c.id.name for c in snapshot.children(table.id, "column")))
    return found


def read(conn: Connection, wanted: Mapping[ObjectId, Sequence[str]], present: Snapshot) -> dict[ObjectId, TableRows]:
    """The rows over the columns wanted, in the state of the connection; `present` is its schema."""
    found: dict[ObjectId, TableRows] = {}
    ready: list[tuple[ObjectId, tuple[str, ...], str]] = []
    for table, columns in wanted.items():
        obj = present.objects.get(table)
        if obj is None:
            found[table] = TableRows(tuple(columns), 0, "", missing="the table is not there")
            continue
        here = {c.id.name for c in present.children(table, "column")}
        lacking = [c for c in columns if c not in here]
        if lacking:
            found[table] = TableRows(tuple(columns), 0, "", missing=f"no column {', '.join(lacking)}")
            continue
        only = "" if obj.properties.get("partition_key") else "ONLY "
        ready.append((table, tuple(columns), f"{only}{qualified(table.schema, table.name)}"))
    few = _few(conn, [source for _, _, source in ready])
    for start in range(0, len(ready), _BATCH):
        part = ready[start : start + _BATCH]
        queries = []
        for number, (_, columns, source) in enumerate(part):
            if few[start + number]:
                cells = ", ".join(f"r.{ident(c)}::text" for c in columns)
                whole = f"array_agg(ARRAY[{cells}]::text[])" if columns else "NULL::text[]"
                queries.append(f"SELECT {number}, count(*), ''::text, {whole} FROM {source} AS r")
            else:
                row = f"ROW({', '.join(f'r.{ident(c)}' for c in columns)})::text"
                queries.append(
                    f"SELECT {number}, count(*), sum(hashtextextended({row}, 0)::numeric)::text, NULL::text[] FROM {source} AS r"
                )
        for number, count, digest, cells in conn.execute(" UNION ALL ".join(queries).encode()).fetchall():
            table, columns, _ = part[number]
            rows: Counter[Row] | None = None
            if few[start + number]:
                rows = Counter(tuple(r) for r in cells or ()) if columns else Counter({(): count})
            found[table] = TableRows(columns, count, digest or "", rows)
    return found


def _few(conn: Connection, sources: Sequence[str]) -> list[bool]:
    found: dict[int, bool] = {}
    for start in range(0, len(sources), 200):
        parts = [
            f"SELECT {start + i}, (SELECT count(*) FROM (SELECT FROM {s} LIMIT {FEW + 1}) AS x)"
            for i, s in enumerate(sources[start : start + 200])
        ]
        for number, count in conn.execute(" UNION ALL ".join(parts).encode()).fetchall():
            found[number] = count <= FEW
    return [found[i] for i in range(len(sources))]


@dataclass(frozen=True, slots=True)
class Difference:
    """A table whose rows are not those of before: how many are gone or other, and in which columns if that is known."""

    table: ObjectId
    rows: int | None
    columns: tuple[str, ...]
    why: str


def differences(before: Mapping[ObjectId, TableRows], now: Mapping[ObjectId, TableRows]) -> list[Difference]:
    """The tables of `before` whose rows are not the same now."""
    found = []
    for table, old in before.items():
        new = now[table]
        if new.missing:
            found.append(Difference(table, old.count, (), new.missing))
        elif old.rows is not None and new.rows is not None:
            if old.rows != new.rows:
                found.append(_detail(table, old, new))
        elif old.rows is not None or new.rows is not None:
            found.append(Difference(table, abs(old.count - new.count), (), f"{old.count} rows before, {new.count} now"))
        elif (old.count, old.digest) != (new.count, new.digest):
            found.append(Difference(table, None, (), f"{old.count} rows before, {new.count} now, of other content"))
    return found


def _detail(table: ObjectId, old: TableRows, new: TableRows) -> Difference:
    gone = Counter(old.rows) - Counter(new.rows)
    extra = Counter(new.rows) - Counter(old.rows)
    columns: tuple[str, ...] = ()
    if sum(gone.values()) == sum(extra.values()):
        columns = tuple(
            name
            for place, name in enumerate(old.columns)
            if Counter(r[place] for r in gone.elements()) != Counter(r[place] for r in extra.elements())
        )
    number = sum(gone.values()) or sum(extra.values())
    why = f"{sum(gone.values())} rows gone or other, {sum(extra.values())} that were not there"
    return Difference(table, number, columns, why)
