"""What keeping rows before a migration will cost on a target: rows, bytes, the lock and the time, before it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..databases.copies import Copies, Held, Size, copies_of, sizes, words

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.server import SandboxServer

# What stands in each other's way. Source: manual, section 13.3.1 "Table-Level Locks".
BLOCKS = {
    "ACCESS SHARE": "only what takes the whole table (ALTER TABLE, DROP, TRUNCATE) waits",
    "SHARE": "reads go on; writes wait",
    "SHARE ROW EXCLUSIVE": "reads go on; writes wait",
    "EXCLUSIVE": "reads go on; writes wait",
    "ACCESS EXCLUSIVE": "reads and writes wait",
}
# The target against the sandbox: as fast, or this much slower and reading the table from a slow disk.
SLOWER = 5
SLOW_DISK = 50 * 1024**2  # bytes a second
NARROW, WIDE = (300_000, 0), (60_000, 400)  # rows, bytes of text in each


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast copies were made in the sandbox: seconds for a row and for a byte."""

    row: float
    byte: float
    rows: int
    server: str

    def seconds(self, rows: int, count: int) -> float:
        return rows * self.row + count * self.byte


@dataclass(frozen=True, slots=True)
class Cost:
    """What a capture script costs. tables: one for each copy. locks: by the script's own LOCK statements.

    rows, low, high: in total; bytes of the copies, without and with what may be stored out of line. None when a
    relation is not there. more: bytes that may be added at COMMIT, when the migration's changes are noted. seconds:
    (least, most), None when unknown, and `why` says so. assumptions: what the numbers rest on.
    """

    tables: tuple[Size, ...]
    locks: tuple[Held, ...]
    rows: int | None
    low: int
    high: int
    more: int = 0
    seconds: tuple[float, float] | None = None
    why: str = ""
    unclear: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.tables and not self.unclear

    def above(self, limit: int | None) -> bool:
        """Whether the copies may take more than `limit` bytes."""
        return limit is not None and self.high > limit


def cost(conn: Connection, capture_sql: str, rate: Rate | None = None, *, no_rate: str = "") -> Cost:
    """What the capture script costs on the server of `conn`, which is only asked for its catalogs.

    rate: how fast copies are made; without one the time is unknown, and no_rate says why. Errors: psycopg.Error.
    """
    found = copies_of(capture_sql)
    tables = sizes(conn, found.copies)
    rows = sum(t.rows or 0 for t in tables) if all(t.rows is not None for t in tables) else None
    low, high = sum(t.low for t in tables), sum(t.high for t in tables)
    seconds, why = _seconds(tables, rate, found, no_rate)
    return Cost(
        tables=tables,
        locks=found.locks,
        rows=rows,
        low=low,
        high=high,
        more=sum(t.high for t in tables if t.copy.noted),
        seconds=seconds,
        why=why,
        unclear=found.unclear,
        assumptions=_assumptions(tables, rate if seconds else None),
    )


def calibrated(server: SandboxServer) -> Rate:
    """How fast the sandbox copies rows, measured on seeded ones: many narrow, and fewer that are wide.

    Takes about a second. Errors: SandboxError, DatabaseError.
    """
    with server.create() as database, database.connect() as conn:
        narrow, wide = _measured(conn, *NARROW), _measured(conn, *WIDE)
        (few_seconds, few_bytes), (wide_seconds, wide_bytes) = narrow, wide
        byte = (wide_seconds / WIDE[0] - few_seconds / NARROW[0]) / (wide_bytes / WIDE[0] - few_bytes / NARROW[0])
        byte = max(byte, 0.0)
        row = max(few_seconds / NARROW[0] - byte * few_bytes / NARROW[0], 0.2 * few_seconds / NARROW[0])
        return Rate(row, byte, NARROW[0] + WIDE[0], server.version_text)


def _measured(conn: Connection, rows: int, width: int) -> tuple[float, int]:
    """Seconds and bytes of copying `rows` seeded rows, the better of two."""
    text = f", repeat('x', {width}) AS body" if width else ""
    conn.execute(
        f"CREATE TABLE seeded AS SELECT g AS id, g % 97 AS v{text} FROM generate_series(1, {rows}) AS g".encode()
    )
    best = float("inf")
    for _ in range(2):
        conn.execute("DROP TABLE IF EXISTS copied")
        began = time.perf_counter()
        conn.execute("CREATE TABLE copied AS SELECT * FROM ONLY seeded AS was")
        best = min(best, time.perf_counter() - began)
    row = conn.execute("SELECT pg_relation_size('copied')").fetchone()
    conn.execute("DROP TABLE seeded, copied")
    return best, int(row[0]) if row else 0


def _seconds(
    tables: Sequence[Size], rate: Rate | None, found: Copies, no_rate: str
) -> tuple[tuple[float, float] | None, str]:
    if found.unclear:
        return None, f"the script does more than copy ({found.unclear[0]})"
    if any(t.rows is None for t in tables):
        missing = next(t.copy.source for t in tables if t.rows is None)
        return None, f"{missing} is not there"
    if rate is None:
        return None, no_rate or "no rate was measured"
    least = sum(rate.seconds(t.rows or 0, t.low) for t in tables)
    most = sum(rate.seconds(t.rows or 0, t.high) * SLOWER + t.read / SLOW_DISK for t in tables)
    most += sum(rate.seconds(t.rows or 0, t.high) * SLOWER for t in tables if t.copy.noted)
    return (least, most), ""


def _assumptions(tables: Sequence[Size], rate: Rate | None) -> tuple[str, ...]:
    said = []
    if rate is not None:
        said.append(
            f"least: as fast as the sandbox copied {rate.rows:,} seeded rows on this machine ({rate.server}),"
            f" {rate.row * 1e6:.2f} µs a row and {1 / rate.byte / 1024**2 if rate.byte else 0:,.0f} MB a second;"
            f" most: {SLOWER} times slower, and the table read at {words(SLOW_DISK)} a second"
        )
    if any(not t.statistics for t in tables):
        names = ", ".join(t.copy.source for t in tables if not t.statistics)
        said.append(f"no statistics of all columns that this login may read: {names}; the most is the table's own size")
    if any(t.copy.noted for t in tables):
        said.append("at COMMIT the rows that the migration changed are noted as well: up to as much again")
    if any(t.high > t.low and t.statistics for t in tables):
        said.append("the most counts all that the table stores out of line")
    return tuple(said)


def span(seconds: tuple[float, float]) -> str:
    """A range of time in words: "2 s to 15 s"."""
    return " to ".join(dict.fromkeys(_time(s) for s in seconds))


def _time(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
