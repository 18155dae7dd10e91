"""Watching a statement that PostgreSQL does not let into a transaction (CONCURRENTLY, VACUUM), while it runs.

Such a statement is over before anyone can look. So a second session stands in its way for a moment, as an
application would, with a lock that makes it wait: CREATE INDEX CONCURRENTLY waits for open writers while it holds
its own lock; VACUUM waits for its lock. What it holds or asks for is read while it waits, then the way is freed. What
that keeps others from doing follows from the lock modes, by the manual's table of conflicts.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from . import probe
from .runs import MODES, Lock
from .trace import KINDS, Reference, Relation, plain_mode

if TYPE_CHECKING:
    import psycopg

    from ..databases.postgres import Connection
    from ..records import Statement
    from .databases import SandboxDatabase

# A writer's lock lets CONCURRENTLY begin and makes it wait; the others are stopped at their first lock.
# DETACH PARTITION CONCURRENTLY waits for writers between two transactions, when it holds nothing that could be seen.
WAITING_KINDS = ("CREATE INDEX", "DROP INDEX", "REINDEX")
LONGEST_HOLD = 2.0  # seconds
STEP = 0.002


@dataclass(slots=True)
class Watched:
    """What was seen. ms is without the time in which it was held up; blocked is None when nothing was seen."""

    error: psycopg.Error | None = None
    ms: float = 0.0
    locks: tuple[Lock, ...] = ()
    blocked: dict[str, tuple[str, ...]] | None = None
    tables: tuple[int, ...] = ()
    result: Any = None
    modes: dict[int, set[str]] = field(default_factory=dict)


def watch(
    database: SandboxDatabase,
    connection: Connection,
    statement: Statement,
    before: Mapping[int, Relation],
    references: Iterable[Reference] = (),
) -> Watched:
    """The finished statement and what was seen of it. `before`: the relations from before the migration; `references`:
    the foreign keys among them."""
    seen = Watched()
    names = list(dict.fromkeys((*statement.changes, *statement.drops))) or _of_schema(statement, before)
    rows = connection.execute(load("postgres", "sandbox_tables_of").encode(), (names,)).fetchall()
    seen.tables = tuple(oid for (oid,) in rows)
    lockable = [before[oid].title for oid in seen.tables if oid in before and before[oid].kind in probe.LOCKABLE]
    waits = statement.kind in WAITING_KINDS
    process = connection.info.backend_pid
    done = threading.Event()

    def work() -> None:
        import psycopg

        try:
            seen.result = connection.execute(statement.text.encode())
        except psycopg.Error as error:
            seen.error = error
        finally:
            done.set()

    with database.connect() as observer, _in_the_way(database, lockable, waits) as free:
        began = time.monotonic()
        held_from = held_until = began
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        holding = bool(lockable)
        while not done.wait(STEP):
            waiting = _look(observer, process, seen)
            late = time.monotonic() - began > LONGEST_HOLD
            if holding and (waiting or late):
                held_from = time.monotonic()
                free()
                holding, held_until = False, time.monotonic()
        thread.join()
        seen.ms = (time.monotonic() - began - (held_until - held_from)) * 1000
    _conclude(seen, before, references)
    return seen


def _of_schema(statement: Statement, before: Mapping[int, Relation]) -> list[str]:
    """The tables of a REINDEX that names a schema or the whole database."""
    found = re.match(
        r"REINDEX\b.*?\b(SCHEMA|DATABASE|SYSTEM)\b(?:\s+CONCURRENTLY)?\s*(\S*)",
        statement.text,
        re.IGNORECASE | re.DOTALL,
    )
    if not found:
        return []
    schema = found[2].strip('";') if found[1].upper() == "SCHEMA" else ""
    return [f"{r.schema}.{r.name}" for r in before.values() if r.kind in probe.LOCKABLE and schema in ("", r.schema)]


@contextmanager
def _in_the_way(database: SandboxDatabase, tables: list[str], waits: bool) -> Iterator[Any]:
    """Hold the tables as a writer (or, for what must be stopped at its lock, as a VACUUM) until the value is called."""
    if not tables:
        yield lambda: None
        return
    with database.connect() as holder:
        mode = "ROW EXCLUSIVE" if waits else "SHARE UPDATE EXCLUSIVE"
        holder.execute(b"BEGIN")
        holder.execute(f"LOCK TABLE {', '.join(tables)} IN {mode} MODE".encode())
        yield lambda: holder.execute(b"ROLLBACK")


def _look(observer: Connection, process: int, seen: Watched) -> bool:
    """Add the locks held or asked for at this moment; True while the statement waits for somebody."""
    waiting = False
    rows = observer.execute(load("postgres", "sandbox_watched_locks").encode(), (process,)).fetchall()
    for oid, mode, _, waits in rows:
        waiting = waiting or bool(waits)
        if oid is not None:
            seen.modes.setdefault(oid, set()).add(plain_mode(mode))
    return waiting


def _strongest(modes: Mapping[int, set[str]], before: Mapping[int, Relation]) -> dict[int, str]:
    return {oid: max(found, key=MODES.index) for oid, found in modes.items() if oid in before}


def _conclude(seen: Watched, before: Mapping[int, Relation], references: Iterable[Reference]) -> None:
    locks = [
        Lock(before[oid].title, mode, True, KINDS.get(before[oid].kind, before[oid].kind))
        for oid, modes in seen.modes.items()
        if oid in before
        for mode in modes
    ]
    locks.sort(key=lambda lock: (-lock.rank, lock.relation))
    seen.locks = tuple(locks)
    if any(oid in seen.modes for oid in seen.tables):
        held = _strongest(seen.modes, before)
        seen.blocked = {
            before[oid].title: operations for oid, mode in held.items() if (operations := probe.told(before[oid], mode))
        }
        probe.across(seen.blocked, before, probe.refused_by(held), references)
