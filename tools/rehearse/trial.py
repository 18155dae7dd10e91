"""One way to carry out a migration, tried under traffic: what waited, for how long, and behind whom."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ..databases.queries import load
from ..ledger.execute import Limits
from ..ledger.scripts import Work
from .carry import Carried, carry
from .sessions import PACE, Done, Traffic, cut_short
from .traffic import Operation

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase

STEP = 0.025  # seconds between two looks at who waits
WARM_UP = 0.6  # seconds of traffic before anything happens
COOL_DOWN = 0.4  # and after all is over
LONG = 0.1  # seconds from which an operation counts as one that waited


@dataclass(frozen=True, slots=True)
class Look:
    """One moment. at: seconds since the migration began. waiting: sessions of the traffic that wait for a lock.
    queue: the migration waits for a lock itself. behind: of the waiting, those behind the migration. holds: it holds
    a lock that keeps writers out. longest: the longest wait for a lock so far of those waiting now, in seconds."""

    at: float
    waiting: int
    queue: bool
    behind: int
    holds: bool
    longest: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How long operations took, in seconds; count: how many were due; long: how many of them took more than 100 ms.

    An operation that kept its session from sending the next ones counts for those too, each with the time that it
    would have waited: else the worst way, in which hardly anything is sent, would look like the one with the fewest
    waits. (Coordinated omission; the correction is that of HdrHistogram's recordValueWithExpectedInterval.)
    """

    count: int = 0
    longest: float = 0.0
    p95: float = 0.0
    median: float = 0.0
    long: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    name: of the way. ok, error: of the migration. attempts: how often it began. seconds: from its beginning to its
    end. hold: how long the reader held its lock after that beginning. held: how long the migration held a lock that
    keeps writers out, as seen every 25 ms. reads, writes: while the migration was on its way; before: reads before
    it. looks: moment by moment. began: when each attempt began, in seconds since the first. failures: SQLSTATE -> operations that failed, since the migration began.
    """

    name: str
    limits: Limits
    ok: bool
    error: str
    attempts: int
    seconds: float
    hold: float
    held: float
    reads: Waits
    writes: Waits
    before: Waits
    looks: tuple[Look, ...] = ()
    began: tuple[float, ...] = ()
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def peak(self) -> int:
        """The most sessions that waited at one moment."""
        return max((look.waiting for look in self.looks), default=0)

    @property
    def stampede(self) -> bool:
        """Whether sessions were seen to wait behind a migration that itself only waited."""
        return any(look.queue and look.behind for look in self.looks)


Release = Callable[[float, Sequence[Look], Carried], bool]


def after(seconds: float) -> Release:
    """The reader lets go so many seconds after the migration began."""
    return lambda at, looks, carried: at >= seconds


def tried(
    database: SandboxDatabase,
    work: Work,
    operations: Sequence[Operation],
    tables: Sequence[str],
    *,
    name: str,
    limits: Limits,
    sessions: int,
    release: Release,
    longest: float,
) -> Trial:
    """The work carried out once, in a database of its own, under traffic and behind a reader that is idle in its
    transaction with ACCESS SHARE on the tables until `release` says so, `longest` seconds at the most.

    limits: of the migration; its statement_timeout ends it in any case. Errors: DatabaseError, psycopg.Error when the
    sandbox itself fails.
    """
    stop, carried = threading.Event(), Carried()
    looks: list[Look] = []
    with (
        database.connect() as observer,
        _ended(database) as migration,
        _ended(database) as reader,
        Traffic(database, operations, sessions=sessions) as traffic,
    ):
        oids = [_oid(observer, title) for title in tables]
        traffic.start()
        _watch(time.monotonic() + WARM_UP)
        reader.execute(b"BEGIN")
        for title in tables:
            reader.execute(f"SELECT FROM {title} LIMIT 1".encode())
        process = migration.info.backend_pid
        thread = threading.Thread(target=carry, args=(migration, work, limits, carried, stop), daemon=True)
        began = time.monotonic()
        thread.start()
        let_go = over = 0.0
        try:
            while not over or time.monotonic() < over + COOL_DOWN:
                at = time.monotonic() - began
                looks.append(_look(observer, process, oids, traffic.processes, at))
                if not let_go and (at >= longest or release(at, looks, carried)):
                    let_go = time.monotonic()
                    reader.execute(b"ROLLBACK")
                if not over and let_go and not thread.is_alive():
                    over = max(let_go, carried.ended)
                _watch(time.monotonic() + STEP)
        finally:
            stop.set()
            cut_short(migration)
            thread.join(5)
    return _concluded(name, limits, carried, traffic.done, looks, began, let_go, over)


def _watch(until: float) -> None:
    time.sleep(max(until - time.monotonic(), 0))


@contextmanager
def _ended(database: SandboxDatabase) -> Iterator[Connection]:
    """A session that is cancelled and closed at the end, whatever it is in the midst of."""
    connection = database.connect()
    try:
        yield connection
    finally:
        cut_short(connection)
        connection.close()


def _oid(connection: Connection, title: str) -> int:
    row = connection.execute("SELECT pg_catalog.to_regclass(%s)::oid::bigint", (title,)).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _look(observer: Connection, migration: int, tables: Sequence[int], traffic: frozenset[int], at: float) -> Look:
    (_, _, _, holds), *waiting = observer.execute(
        load("postgres", "rehearse_waiting").encode(), {"migration": migration, "tables": list(tables)}
    ).fetchall()
    ours = [(since, blockers) for pid, since, blockers, _ in waiting if pid in traffic]
    return Look(
        at=at,
        waiting=len(ours),
        queue=any(pid == migration for pid, *_ in waiting),
        behind=sum(migration in blockers for _, blockers in ours),
        holds=bool(holds),
        longest=max((since for since, _ in ours), default=0.0),
    )


def _concluded(
    name: str,
    limits: Limits,
    carried: Carried,
    done: Sequence[Done],
    looks: Sequence[Look],
    began: float,
    let_go: float,
    over: float,
) -> Trial:
    during = [d for d in done if d.began + d.seconds >= began and d.began <= over]
    good = [d for d in during if not d.sqlstate or d.seconds >= LONG]
    steps = [b.at - a.at for a, b in pairwise(looks) if a.holds]
    return Trial(
        name=name,
        limits=limits,
        ok=carried.ok,
        error=carried.error,
        attempts=len(carried.attempts),
        seconds=max(carried.ended - began, 0.0),
        hold=let_go - began,
        held=sum(steps),
        reads=waits([d.seconds for d in good if d.kind == "SELECT"]),
        writes=waits([d.seconds for d in good if d.kind != "SELECT"]),
        before=waits([d.seconds for d in done if d.kind == "SELECT" and d.began + d.seconds < began]),
        looks=tuple(looks),
        began=tuple(max(at - began, 0.0) for at in carried.attempts),
        failures=dict(sorted(Counter(d.sqlstate for d in during if d.sqlstate).items())),
    )


def waits(seconds: Sequence[float]) -> Waits:
    """The figures of some durations, with what they kept from being sent; nearest-rank percentiles."""
    if not seconds:
        return Waits()
    found = sorted(
        due for taken in seconds for due in [taken - n * PACE for n in range(max(math.ceil(taken / PACE), 1))]
    )
    return Waits(
        count=len(found),
        longest=found[-1],
        p95=found[min(len(found) - 1, -(-len(found) * 95 // 100) - 1)],
        median=found[(len(found) - 1) // 2],
        long=sum(s > LONG for s in found),
    )
