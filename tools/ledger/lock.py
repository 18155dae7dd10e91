"""One applier at a time, on a session of its own that does nothing else.

The lock's session is idle and never inside a transaction, so CREATE INDEX CONCURRENTLY does not wait for it; those
who wait for the lock ask again and again instead of blocking, for the same reason. It is read-only: what changes the
target is another session, opened when the gate has let the plan through. That one holds a second lock, so that a
session whose client was killed, and which still works on, keeps everybody else out.
Source: manual, "Advisory Locks"; CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...errors import DatabaseError, RefusedError
from ..databases.dsn import Dsn

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .history import HistoryRow

SPACE = 0x61676462  # "agdb": the first half of both keys
APPLIER, WORKER = 1, 2
POOLER_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that holds one of the locks. application, started: "" and None when this login may not see them."""

    pid: int
    application: str
    is_worker: bool
    started: datetime | None = None

    def is_session_of(self, row: HistoryRow) -> bool:
        """Whether it is the session that an attempt noted: process ids are used again, a start is not."""
        return self.pid == row.backend_pid and (self.started is None or self.started == row.backend_start)


@contextlib.contextmanager
def hold(
    dsn: Dsn,
    *,
    wait_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Connection]:
    """The read-only session that holds the applier's lock. Errors: RefusedError pooler, standby or locked."""
    from ..databases.postgres import connect

    with connect(dsn, application_name="agentdb lock", options={"default_transaction_read_only": "on"}) as conn:
        refuse_pooler(dsn, conn)  # before anything is SET that would stay in a pool's shared session
        conn.execute("SET default_transaction_read_only = on")
        stay_open(conn)
        refuse_standby(conn)
        _acquire(conn, APPLIER, wait_seconds, sleep)
        try:
            yield conn
        finally:
            if not conn.closed:
                conn.execute("SELECT pg_advisory_unlock(%s, %s)", (SPACE, APPLIER))


@contextlib.contextmanager
def work_session(dsn: Dsn, *, wait_seconds: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[Connection]:
    """The session that changes the target, fresh so that nothing from an earlier script is set in it.

    Errors: RefusedError("locked") while a session of an earlier run is still at work.
    """
    from ..databases.postgres import connect

    with connect(dsn, application_name="agentdb apply") as conn:
        stay_open(conn)
        _acquire(conn, WORKER, wait_seconds, sleep)
        yield conn


def still_held(conn: Connection) -> bool:
    """Whether the session still holds the applier's lock."""
    me = _pid(conn)
    return any(h.pid == me for h in holders(conn) if not h.is_worker)


def holders(conn: Connection) -> tuple[Holder, ...]:
    """The sessions that hold a lock of agentdb in this database. Source: manual, pg_locks."""
    from ..databases.queries import load

    found = conn.execute(load("postgres", "ledger_lock_holders").encode(), {"space": SPACE}).fetchall()
    return tuple(Holder(pid, name or "", key == WORKER, started) for pid, name, key, started in found)


def stay_open(conn: Connection) -> None:
    """Keep the server from ending the session for being idle. Source: manual, idle_session_timeout (14 and later)."""
    conn.execute("SET idle_in_transaction_session_timeout = 0")
    if conn.info.server_version >= 140000:
        conn.execute("SET idle_session_timeout = 0")


def end_with_client(conn: Connection, ends: bool) -> None:
    """When its client is gone, a statement ends within two seconds, or goes on to its end, as `ends` says.

    A transaction that nobody can commit any more should not hold its locks; an index that takes hours to build should
    not be lost with a connection. Source: manual, client_connection_check_interval (14 and later, and only where the
    system can tell).
    """
    import psycopg

    with contextlib.suppress(psycopg.Error):
        if conn.info.server_version >= 140000:
            conn.execute(f"SET client_connection_check_interval = {2000 if ends else 0}".encode())


def refuse_standby(conn: Connection) -> None:
    """Nothing on a primary. Errors: RefusedError("standby")."""
    row = conn.execute("SELECT pg_is_in_recovery()").fetchone()
    if row and row[0]:
        raise RefusedError(
            "this server is a standby and takes no changes", reason="standby", hint="Use the primary's address."
        )


def refuse_pooler(dsn: Dsn, conn: Connection) -> None:
    """Nothing on a direct connection. Errors: RefusedError("pooler") when statements of one session reach several
    backends, or two sessions one backend: then locks and settings of a session mean nothing.

    A second session sits in a transaction meanwhile, so that a pooler cannot hand out one idle backend to both.
    """
    from ..databases.postgres import connect

    first = _pid(conn)
    with connect(dsn, application_name="agentdb probe", options={"default_transaction_read_only": "on"}) as other:
        shared = _pid(other) == first  # asked outside a transaction: a pool of one could not serve both
        for _ in range(POOLER_ROUNDS):
            if not shared:
                with other.transaction():
                    shared = _pid(other) == first or _pid(conn) != first
            if shared:
                raise RefusedError(
                    "there is a connection pooler in between that gives each transaction another session",
                    reason="pooler",
                    where=dsn.identity(),
                    hint="Point this target's variable at the server itself (or at a pool in session mode).",
                )


def _pid(conn: Connection) -> int:
    row = conn.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _acquire(conn: Connection, key: int, wait_seconds: float, sleep: Callable[[float], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    pause = 0.05
    while True:
        row = conn.execute("SELECT pg_try_advisory_lock(%s, %s)", (SPACE, key)).fetchone()
        if row and row[0]:
            return
        if time.monotonic() >= deadline:
            raise _locked(conn, key)
        sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, 2.0)


def _locked(conn: Connection, key: int) -> RefusedError:
    who = next((h for h in holders(conn) if h.is_worker == (key == WORKER)), None)
    by = f" (pid {who.pid})" if who else ""
    if key == WORKER:
        return RefusedError(
            f"a session of an earlier run is still at work here{by}",
            reason="locked",
            hint="Wait for it; `agentdb status` shows what it does.",
        )
    return RefusedError(
        f"another agentdb is applying to this database{by}",
        reason="locked",
        hint="Wait for it, then look at `agentdb status`.",
    )


def lost() -> DatabaseError:
    """The error when a session broke off in the middle."""
    return DatabaseError(
        "the connection to the database was lost in the middle of the work",
        hint="`agentdb status` says what happened and what to do.",
    )
