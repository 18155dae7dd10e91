"""The migration carried out as `agentdb apply` carries it: the ledger's own transactions, time limits and retries,
without the ledger."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ..ledger import execute, prints
from ..ledger.execute import Attempt, Limits, StatementFailed
from ..ledger.scripts import Work

if TYPE_CHECKING:
    from ..databases.postgres import Connection


class Interrupted(Exception):
    """The rehearsal is being ended."""


@dataclass(slots=True)
class Carried:
    """How it went. attempts: when each began (seconds, monotonic); pauses: how long it slept between them."""

    ok: bool = False
    error: str = ""
    sqlstate: str = ""
    attempts: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    ended: float = 0.0


def carry(connection: Connection, work: Work, limits: Limits, into: Carried, stop: threading.Event) -> None:
    """Carry the work out and write into `into` how it went; never raises.

    What cannot stand in a transaction runs by itself, CONCURRENTLY without limits. Once `stop` is set nothing is
    tried again.
    """
    import psycopg

    def pause(seconds: float) -> None:
        into.pauses.append(seconds)
        if stop.wait(seconds):
            raise Interrupted

    def checkpoint(name: str) -> None:
        if name == "in-transaction":
            into.attempts.append(time.monotonic())

    attempt = Attempt(connection, 0, limits, checkpoint, pause, _nothing, lambda: prints.measure(connection))
    try:
        for part in parts(work):
            if part.transactional:
                execute.together(attempt, part, None, lambda _: None)
            else:
                into.attempts.append(time.monotonic())
                _alone(connection, part, limits)
        into.ok = True
    except StatementFailed as failure:
        into.error, into.sqlstate = failure.message, failure.sqlstate
    except psycopg.Error as error:
        into.error, into.sqlstate = error.diag.message_primary or str(error), error.sqlstate or ""
    except Interrupted:
        into.error = "interrupted"
    except AgentdbError as error:  # the session was lost, or ended by us
        into.error = " ".join(str(error).split())
    finally:
        into.ended = time.monotonic()


def parts(work: Work) -> list[Work]:
    """The work as the pieces that commit together."""
    if work.transactional:
        return [work]
    return [replace(work, steps=(s,), transactional=s.statement.transactional is not False) for s in work.steps]


def _alone(connection: Connection, work: Work, limits: Limits) -> None:
    step = work.steps[0]
    free = execute.is_concurrent(step)
    for name, value in (("lock_timeout", limits.lock_timeout), ("statement_timeout", limits.statement_timeout)):
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, "0" if free else value))
    connection.execute(step.statement.text.encode())


def span(limits: Limits, *, luck: float = 0.5) -> float:
    """How many seconds of somebody else's lock the attempts outlast when every pause is `luck` times its length.

    The pauses double up to ten seconds, and each is drawn between half and one and a half times that.
    """
    from ..durations import seconds

    total, pause = 0.0, limits.retry_seconds
    for _ in range(max(limits.lock_attempts, 1) - 1):
        total += seconds(limits.lock_timeout) + pause * luck
        pause = min(pause * 2, 10.0)
    return total + seconds(limits.lock_timeout)


def _nothing() -> None:
    return None
