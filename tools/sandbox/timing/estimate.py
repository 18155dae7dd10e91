"""From rates and sizes to a range of seconds: how long each statement works on the target, and how long each lock is held.

A range, never a number: rows may be wider or narrower than the sandbox's, a sort grows faster than its rows, what does
not fit in memory is read from disk, and the target's hardware is not known. What cannot be reckoned is None, with why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..runs import BLOCKED_BY, WRITES, Lock, SandboxRun, StatementRun
from .calibrate import Calibration, Sample, worked
from .volumes import Volume

FASTER, SLOWER = 3.0, 3.0  # by how much the target may be faster or slower than this server
CACHED = 512 * 1024 * 1024  # bytes from which a table may not be in the target's memory
UNCACHED = 2.0
SCATTERED = 4.0  # the same for rows that are changed: their index entries lie in no order
JOINED = 4.0  # a foreign key's check joins two tables: what fits in caches and work_mem here may not there
CHOSEN = 10.0  # at most so many times the share of rows that a condition picked here
STEEP = 4.0  # a statement whose time grows so much faster than its rows is not reckoned
LEAST = 0.001

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Work:
    """How long one statement takes on the target. seconds: from, to; None when not known, and then why. basis: in words,
    what it was reckoned from; rows, bytes: of the target's tables; rate: rows a second measured here."""

    index: int
    line: int
    seconds: Range | None
    why: str = ""
    basis: str = ""
    tables: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    rate: float | None = None
    measured_rows: int = 0

    @property
    def sentence(self) -> str:
        """The work for people."""
        if self.seconds is None:
            return f"How long it works on the target is UNKNOWN: {self.why}."
        return f"On the target it works for {words(self.seconds)} ({self.basis})."


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a lock is held on the target: from the statement that takes it to the end of its transaction.

    index, line: of that statement. seconds: None when not known, and then why, and `least` is what it is at the least.
    waiting: rows that would be written meanwhile, by the table's average rate of writes; None when not known.
    """

    index: int
    line: int
    relation: str
    mode: str
    seconds: Range | None
    why: str = ""
    basis: str = ""
    waiting: Range | None = None
    least: float = 0.0

    @property
    def sentence(self) -> str:
        """The hold for people."""
        return sentence(self)


@dataclass(frozen=True, slots=True)
class Timing:
    """works: by statement; holds: of locks that keep writers out of tables that were there."""

    works: tuple[Work, ...] = ()
    holds: tuple[Hold, ...] = ()

    def hold_of(self, index: int, relations: set[str]) -> Hold | None:
        """The longest hold that a statement's lock on one of the relations has."""
        mine = [h for h in self.holds if h.index == index and h.relation in relations]
        return max(mine, key=lambda h: h.seconds[1] if h.seconds else math.inf, default=None)


def estimate(
    run: SandboxRun, calibration: Calibration, volumes: Mapping[str, Volume], *, alone: bool = False
) -> Timing:
    """The times of a migration that ran in the sandbox. alone: each statement commits by itself (no-transaction)."""
    works = tuple(_work(s, calibration, volumes) for s in run.statements if s.ok and not s.skipped)
    by_index = {w.index: w for w in works}
    holds = []
    for group in _transactions(run, alone):
        ranks: dict[str, int] = {}
        for place, statement in enumerate(group):
            for lock in _strongest(statement):
                if lock.rank <= ranks.get(lock.relation, -1):
                    continue  # a stronger one is held already
                ranks[lock.relation] = lock.rank
                rest = [by_index[s.index] for s in group[place:]]
                holds.append(_hold(statement, lock, rest, volumes.get(lock.relation)))
    return Timing(works, tuple(holds))


def _transactions(run: SandboxRun, alone: bool) -> Iterator[list[StatementRun]]:
    """The statements that commit together."""
    group: list[StatementRun] = []
    for statement in run.statements:
        if not statement.ok or statement.skipped:
            continue
        if alone or not statement.in_transaction:
            if group:
                yield group
            yield [statement]
            group = []
        else:
            group.append(statement)
    if group:
        yield group


def _strongest(statement: StatementRun) -> list[Lock]:
    """The strongest lock that a statement newly takes on each table that was there, where it keeps writers out."""
    found: dict[str, Lock] = {}
    for lock in statement.locks:
        stored = lock.kind in ("table", "partitioned table", "materialized view")
        if not lock.existed_before or not stored or not set(WRITES) & set(BLOCKED_BY[lock.mode]):
            continue
        if lock.relation not in found or found[lock.relation].rank < lock.rank:
            found[lock.relation] = lock
    return list(found.values())


def _hold(statement: StatementRun, lock: Lock, rest: list[Work], volume: Volume | None) -> Hold:
    unknown = next((w for w in rest if w.seconds is None), None)
    known = [w.seconds for w in rest if w.seconds is not None]
    total = (sum(low for low, _ in known), sum(high for _, high in known))
    heaviest = max((w for w in rest if w.seconds), key=lambda w: w.seconds[1] if w.seconds else 0, default=None)
    rate = volume.writes_per_second if volume else None
    return Hold(
        statement.index,
        statement.line,
        lock.relation,
        lock.mode,
        None if unknown else total,
        unknown.why if unknown else "",
        heaviest.basis if heaviest and not unknown else "",
        None if unknown or rate is None else (total[0] * rate, total[1] * rate),
        total[0],
    )


def _work(statement: StatementRun, calibration: Calibration, volumes: Mapping[str, Volume]) -> Work:
    tables = worked(statement)
    index, line = statement.index, statement.line
    if not tables:
        quick = statement.ms / 1000
        return Work(index, line, (quick / FASTER, max(quick, LEAST) * SLOWER), basis="works on no rows")
    for title in tables:
        if title not in volumes:
            return Work(index, line, None, f"the size of {_plain(title)} on the target is not known", tables=tables)
        if volumes[title].rows is None:
            return Work(
                index, line, None, f"{_plain(title)} was never analysed on the target: run ANALYZE", tables=tables
            )
    small, large = calibration.small, calibration.large
    if calibration.problem or small is None or not large:
        return Work(index, line, None, calibration.problem or "not measured", tables=tables)
    if index not in small.ms or any(index not in s.ms for s in large):
        return Work(index, line, None, "not measured on more rows", tables=tables)
    return _reckoned(statement, tables, small, large, volumes)


def _reckoned(
    statement: StatementRun,
    tables: tuple[str, ...],
    small: Sample,
    large: tuple[Sample, ...],
    volumes: Mapping[str, Volume],
) -> Work:
    index = statement.index
    few, many = _total(small.volumes, tables), _total(large[0].volumes, tables)
    there = _total(volumes, tables)
    times = sorted(s.ms[index] / 1000 for s in large)
    short = small.ms[index] / 1000
    told = {"tables": tables, "rows": there[0], "bytes": there[1], "measured_rows": many[0]}
    if many[0] <= few[0] or times[0] > STEEP * many[0] / max(few[0], 1) * short + 0.2:
        why = "its time grows faster than the rows"
        return Work(index, statement.line, None, why, **told)  # type: ignore[arg-type]
    low, high = (max((t - short) / (many[0] - few[0]), 0.0) for t in (times[0], times[-1]))
    rate = 1 / high if high else None
    high = max(high, times[-1] / many[0] * 0.25)  # the difference of two short times may be chance
    low = min(low, high)
    width = (there[1] / there[0]) / (many[1] / many[0]) if there[0] and many[1] and there[1] else 1.0
    share: Range = (1.0, 1.0)
    basis = f"{_rows(there[0])}, {size(there[1])}"
    if rate:
        basis += f"; {_count(rate)} rows/s measured on {many[0]:,}"
    if statement.kind in ("UPDATE", "DELETE", "MERGE") and " where " in f" {' '.join(statement.text.lower().split())} ":
        picked = large[0].rows_told.get(index, 0)
        if not picked:
            return Work(index, statement.line, None, "its condition picked no row here", **told)  # type: ignore[arg-type]
        share = (1 / CHOSEN, min(CHOSEN, max(many[0] / picked, 1.0)))
        basis += f"; how many rows its condition picks there is not known ({picked:,} here)"
    sorting = math.log2(there[0]) / math.log2(many[0]) if statement.index_builds and there[0] > many[0] else 1.0
    reading = UNCACHED if there[1] > CACHED else 1.0
    if statement.written and there[1] + sum(volumes[t].index_bytes for t in tables) > CACHED:
        reading = SCATTERED
    joining = JOINED if len(statement.scans) > 1 and there[0] > many[0] else 1.0
    seconds = (
        (short * 0.5 + low * there[0] * min(width, 1.0) * share[0]) / FASTER,
        (times[-1] + high * there[0] * max(width, 1.0) * sorting * reading * joining * share[1]) * SLOWER,
    )
    if there[0] <= many[0]:
        seconds = (min(seconds[0], short / FASTER), seconds[1])
    return Work(index, statement.line, seconds, basis=basis, rate=rate, **told)  # type: ignore[arg-type]


def _total(volumes: Mapping[str, Volume], tables: tuple[str, ...]) -> tuple[int, int]:
    """Rows and bytes of the tables together."""
    found = [volumes[t] for t in tables if t in volumes]
    return sum(v.rows or 0 for v in found), sum(v.bytes for v in found)


# -- in words


def words(seconds: Range) -> str:
    """A range for people: "about 40 s to 4 min", "less than 1 s"."""
    low, high = seconds
    if high < 1:
        return "less than 1 s"
    shown_low, shown_high = moment(low), moment(high)
    return f"about {shown_high}" if shown_low == shown_high else f"about {shown_low} to {shown_high}"


def moment(value: float) -> str:
    """Seconds, rounded to what an estimate can say: "40 s", "4 min", "2.5 h"."""
    if value < 1:
        return f"{max(_two(value * 1000), 1):.0f} ms"
    if value < 100:
        return f"{_two(value):g} s"
    if value < 5400:
        return f"{_two(value / 60):g} min"
    return f"{_two(value / 3600):g} h"


def size(count: int) -> str:
    """Bytes for people: "3.1 GB"."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def sentence(hold: Hold) -> str:
    """The hold for people, a whole sentence."""
    name = _plain(hold.relation)
    if hold.seconds is None:
        least = f", but for {moment(hold.least)} at the least" if hold.least >= 1 else ""
        return f"How long {hold.mode} on {name} is held on the target is UNKNOWN{least}: {hold.why}."
    basis = f" ({hold.basis})" if hold.basis else ""
    queue = ""
    if hold.waiting and hold.waiting[1] >= 10:
        queue = f" Some {_count(hold.waiting[0])} to {_count(hold.waiting[1])} row changes come in that time."
    return f"On the target it holds {hold.mode} on {name} for {words(hold.seconds)}{basis}.{queue}"


def _plain(title: str) -> str:
    return title.removeprefix("public.")


def _two(value: float) -> float:
    """Rounded to two digits."""
    return float(f"{value:.2g}")


def _rows(count: int) -> str:
    return f"{_count(count)} rows"


def _count(value: float) -> str:
    for unit, factor in ((" billion", 1e9), (" M", 1e6), (" k", 1e3)):
        if value >= factor * (10 if unit == " k" else 1):
            return f"{value / factor:.3g}{unit}"
    return f"{value:.0f}"
