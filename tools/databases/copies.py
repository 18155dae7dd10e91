"""What a script copies into schema agentdb_archive, and how much that will be on a server: from its catalogs alone.

Rows come from pg_class, widths from pg_stats; no table is scanned. What the statistics cannot tell is bounded by the
size of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from ..sql import grammar
from ..sql.parse import parse
from ..sql.quote import qualified
from .queries import load

if TYPE_CHECKING:
    from .postgres import Connection

ARCHIVE = "agentdb_archive"
# agentdb's own tables there, with a row or two for each migration.
RECORDS = ("captures", "tables", "conflicts", "set_aside")

# Source: manual, section 66.6 "Database Page Layout": page and row headers, an item pointer for each row.
PAGE, PAGE_HEAD, ITEM, ROW_HEAD = 8192, 24, 4, 23
UNKNOWN_WIDTH = 32  # what the planner takes for a text of which it knows nothing (get_typavgwidth)

# By number, in the lock manager's order. Source: manual, table 13.2 "Conflicting Lock Modes".
LOCK_MODES = (
    "",
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: of which relation, into which table. columns: (name, kept as text); None for all, or not plain to see.

    children: partitions and inheriting tables are read with it. noted: what the migration made of the rows is noted
    at COMMIT, which takes as much again where it changes every row.
    """

    source: str
    archive: str
    columns: tuple[tuple[str, bool], ...] | None
    children: bool = False
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that the script takes by name, until its transaction ends."""

    mode: str
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """All that a script copies and locks; unclear: statements whose work cannot be told from their text."""

    copies: tuple[Copy, ...] = ()
    locks: tuple[Held, ...] = ()
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """How much a copy will be. rows: None when the relation is not there. low, high: bytes of the copy itself.
    read: bytes of the relation. analysed: when its statistics were made, None when they never were."""

    copy: Copy
    rows: int | None
    low: int = 0
    high: int = 0
    read: int = 0
    analysed: datetime | None = None
    statistics: bool = False


def copies_of(script: str) -> Copies:
    """What a capture script copies. What it writes in a way that is not plain to see counts as the whole of every
    relation that the statement names."""
    copies: list[Copy] = []
    locks: list[Held] = []
    unclear: list[str] = []
    noting = ""
    for parsed in parse(script).statements:
        node: Any = parsed.node
        match parsed.node_name:
            case "lock_stmt":
                names = tuple(_name(r.range_var) for r in node.relations)
                locks.append(Held(LOCK_MODES[node.mode], names))
            case "create_table_as_stmt" if node.into.rel.schemaname == ARCHIVE:
                copies += _copied(node.into.rel.relname, node.query.select_stmt)
            case "insert_stmt" if node.relation.schemaname == ARCHIVE and node.relation.relname not in RECORDS:
                copies += _whole(node.relation.relname, node)
            case "create_function_stmt":
                noting += parsed.statement.text
            case "do_stmt" | "call_stmt":
                unclear.append(f"line {parsed.statement.span.line}: {parsed.statement.kind}")
            case "":
                unclear.append(f"line {parsed.statement.span.line}: not understood")
    marked = (_noted(c, noting) for c in copies)
    return Copies(tuple(marked), tuple(locks), tuple(unclear))


def sizes(conn: Connection, copies: Iterable[Copy]) -> tuple[Size, ...]:
    """How much each copy will be on this server, in their order. Errors: psycopg.Error."""
    return tuple(_size(conn, copy) for copy in copies)


def words(count: float) -> str:
    """Bytes as people read them: 960 B, 12 kB, 1.4 GB."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    number = float(count)
    for unit in units:
        if number < 1024 or unit == units[-1]:
            return f"{number:.1f} {unit}" if number < 10 and unit not in ("B", "kB") else f"{number:.0f} {unit}"
        number /= 1024
    return ""


def _copied(archive: str, select: Any) -> list[Copy]:
    plain = (
        len(select.from_clause) == 1
        and select.from_clause[0].WhichOneof("node") == "range_var"
        and not select.HasField("where_clause")
        and not select.group_clause
        and not select.HasField("larg")
    )
    columns = [_column(t.res_target) for t in select.target_list]
    if not plain or None in columns:
        return [] if _positions(archive, select) else _whole(archive, select)
    source = select.from_clause[0].range_var
    return [Copy(_name(source), archive, tuple(c for c in columns if c), source.inh)]


def _column(target: Any) -> tuple[str, bool] | None:
    """(name, as text) of a plain column, cast or not; None for anything else."""
    value, as_text = target.val, False
    if value.WhichOneof("node") == "type_cast":
        as_text = value.type_cast.type_name.names[-1].string.sval == "text"
        value = value.type_cast.arg
    if value.WhichOneof("node") != "column_ref":
        return None
    last = value.column_ref.fields[-1]
    return (last.string.sval, as_text) if last.WhichOneof("node") == "string" else None


def _whole(archive: str, node: Any) -> list[Copy]:
    found = (m for _, m in grammar.walk(node) if m.DESCRIPTOR.name == "RangeVar" and m.schemaname != ARCHIVE)
    return [Copy(name, archive, None, True) for name in dict.fromkeys(_name(m) for m in found)]


def _positions(archive: str, select: Any) -> bool:
    """Whether these are the positions of sequences: a row for each."""
    names = {c.column_ref.fields[-1].string.sval for _, c in _targets(select)}
    return archive.endswith("__positions") and {"last_value", "is_called"} <= names


def _targets(select: Any) -> list[tuple[str, Any]]:
    parts = [m for _, m in grammar.walk(select) if m.DESCRIPTOR.name == "ResTarget"]
    return [(t.name, t.val) for t in parts if t.val.WhichOneof("node") == "column_ref"]


def _noted(copy: Copy, noting: str) -> Copy:
    noted = f"{copy.archive}_after" in noting
    return Copy(copy.source, copy.archive, copy.columns, copy.children, noted)


def _name(node: Any) -> str:
    return qualified(node.schemaname, node.relname)


def _size(conn: Connection, copy: Copy) -> Size:
    found = conn.execute(
        load("postgres", "copied_columns").encode(), {"relation": copy.source, "children": copy.children}
    ).fetchall()
    if not found:
        there = conn.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (copy.source,)).fetchone()
        return Size(copy, 0 if there and there[0] else None)
    total = Size(copy, 0, statistics=True)
    dates: list[datetime | None] = []
    for tuples, pages, heap, toast, analysed, columns in found:
        part = _part(copy, tuples, pages, heap, toast, columns or [])
        dates.append(analysed if part.rows else datetime.max)
        total = Size(
            copy,
            (total.rows or 0) + (part.rows or 0),
            total.low + part.low,
            total.high + part.high,
            total.read + heap + toast,
            None,
            total.statistics and part.statistics,
        )
    known = [d for d in dates if d is not None and d is not datetime.max]
    oldest = min(known) if known and None not in dates else None
    return Size(copy, total.rows, total.low, total.high, total.read, oldest, total.statistics)


def _part(copy: Copy, tuples: float, pages: int, heap: int, toast: int, columns: list[Mapping[str, Any]]) -> Size:
    """One relation with storage of its own."""
    rows, known = _rows(tuples, pages, heap, columns)
    wanted = {name: as_text for name, as_text in copy.columns} if copy.columns is not None else None
    kept = [c for c in columns if wanted is None or c["name"] in wanted]
    sure = known and all(c["width"] is not None or c["length"] > 0 for c in kept)
    offset = 0.0
    for column in kept:
        width = _width(column, as_text=bool(wanted and wanted[column["name"]]))
        if column["length"] > 0 and column["align"] > 1:
            offset = ceil(offset / column["align"]) * column["align"]
        offset += width * (1 - float(column["nulls"] or 0))
    head = ROW_HEAD + (ceil(len(kept) / 8) if any(c["nulls"] != 0 for c in kept) else 0)
    varies = any(c["length"] < 0 or c["nulls"] for c in kept)
    row = ITEM + _aligned(head) + (offset + 3.5 if varies else _aligned(offset))  # rows begin at multiples of 8
    low = ceil(rows / max((PAGE - PAGE_HEAD) // row, 1)) * PAGE if row < PAGE / 2 else ceil(rows * row)
    high = low + (toast if any(c["toastable"] for c in kept) else 0)
    if not sure:
        high = max(high, heap + toast)
    return Size(copy, rows, low, high, statistics=sure)


def _rows(tuples: float, pages: int, heap: int, columns: list[Mapping[str, Any]]) -> tuple[int, bool]:
    """Rows as the planner reckons them: as dense as when they were last counted, on the pages that there are now."""
    now = ceil(heap / PAGE)
    if tuples >= 0 and pages > 0:
        return round(tuples / pages * now), True
    if tuples >= 0 and not now:
        return 0, True
    width = sum(_width(c) for c in columns)
    return int(now * (PAGE - PAGE_HEAD) / (ITEM + _aligned(_aligned(ROW_HEAD) + width))), False


def _width(column: Mapping[str, Any], *, as_text: bool = False) -> float:
    if as_text and column["label"]:
        return float(column["label"]) + 1
    if column["width"] is not None:
        width = float(column["width"])
    else:
        width = float(column["length"] if column["length"] > 0 else UNKNOWN_WIDTH)
    return max(width, UNKNOWN_WIDTH / 2) if as_text and column["length"] > 0 else width


def _aligned(size: float) -> int:
    return ceil(size / 8) * 8
