"""A script carried out on a target, statement by statement, with the ledger written as it goes.

One statement goes to the server in one message of the extended protocol, which holds no second one.
Source: manual, "Message Flow", "Extended Query".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..sql.parse import Parsed
from . import progress, seen
from .lock import lost
from .prints import Prints
from .scripts import Work

if TYPE_CHECKING:
    import psycopg

    from ..databases.postgres import Connection

# What waits for a lock, or was chosen to end a deadlock, may be tried again as a whole (manual, appendix A).
TRY_AGAIN = ("55P03", "40P01")
# Statements that change no schema: no need to read it again after them.
DATA_ONLY = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "SET", "SHOW", "VACUUM", "ANALYZE", "CLUSTER"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a statement may wait and work, as PostgreSQL spells times ("2s", "0" for no limit).

    lock_attempts: how often a transaction that met a lock is tried at all. lock_wait_seconds: how long to wait for
    another agentdb. retry_seconds: the first pause between attempts; it doubles, with jitter, up to 10 s.
    max_copy: the most bytes that a migration may copy before it runs.
    """

    lock_timeout: str = "2s"
    statement_timeout: str = "15min"
    lock_attempts: int = 6
    lock_wait_seconds: float = 30.0
    retry_seconds: float = 0.5
    max_copy: int = 1024**3


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt works with: the session, its row in the ledger, and the hooks.

    checkpoint is called at named points (tests stop the process there). recheck raises when the target is no longer
    as it was approved; both it and measure read the schema on the lock's session, not inside the work.
    """

    conn: Connection
    row_id: int
    limits: Limits
    checkpoint: Callable[[str], None]
    sleep: Callable[[float], None]
    recheck: Callable[[], None]
    measure: Callable[[], Prints]
    retries: list[int] = field(default_factory=list)


class StatementFailed(Exception):
    """The server refused a statement. step: None when it was the commit."""

    def __init__(self, work: Work, step: int | None, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.sqlstate = error.sqlstate or ""
        said = (error.diag.message_primary or str(error)).strip()
        # data exceptions quote the value that they are about (manual, appendix A, class 22)
        self.message = re.sub(r'"[^"]*"', '"..."', said) if self.sqlstate.startswith("22") else said
        self.detail = " ".join(f"{said} {error.diag.message_detail or ''}".split())
        self.step = step
        self.number = "the commit" if step is None else f"statement {step + 1} of {len(work.steps)}"
        self.where = work.place(step) if step is not None else work.where

    def to_json(self) -> dict[str, Any]:
        return {"sqlstate": self.sqlstate, "message": self.message, "statement": self.step}


def together(attempt: Attempt, work: Work, capture: Work | None, close: Callable[[Connection], None]) -> None:
    """The whole script in one transaction, rows kept first, and `close` writing the ledger's last word in it.

    A transaction that could not get a lock is tried again as a whole. Errors: StatementFailed, DatabaseError, and
    what recheck and close raise.
    """

    def once() -> None:
        with attempt.conn.transaction():
            _limit(attempt, attempt.limits.lock_timeout, attempt.limits.statement_timeout, local=True)
            attempt.recheck()
            attempt.checkpoint("in-transaction")
            if capture:
                for index in range(len(capture.steps)):
                    _send(attempt, capture, index)
                attempt.checkpoint("captured")
            for index in range(len(work.steps)):
                attempt.checkpoint(f"before-statement-{index}")
                _send(attempt, work, index)
            settle(attempt.conn)
            close(attempt.conn)
            attempt.checkpoint("before-commit")

    _retrying(attempt, work, once)


def kept_first(attempt: Attempt, capture: Work) -> None:
    """The rows that a script without a transaction is going to change, kept in a transaction of their own."""

    def once() -> None:
        with attempt.conn.transaction():
            _limit(attempt, attempt.limits.lock_timeout, attempt.limits.statement_timeout, local=True)
            for index in range(len(capture.steps)):
                _send(attempt, capture, index)
            settle(attempt.conn)
            progress.captured(attempt.conn, attempt.row_id)

    _retrying(attempt, capture, once)


def one_by_one(attempt: Attempt, work: Work, first: int, before: Prints, under_way: seen.Seen | None) -> None:
    """The script's statements from number `first` (from 0), each by itself, progress kept after each.

    What a transaction can hold runs in one with its progress; what it cannot, between two lines in the ledger.
    under_way: what the catalog said of statement `first` when it was interrupted; None when it has not begun.
    Errors: StatementFailed, DatabaseError.
    """
    prints = before
    for index in range(first, len(work.steps)):
        step = work.steps[index]
        attempt.checkpoint(f"before-statement-{index}")
        if step.statement.transactional is True:
            _inside(attempt, work, index)
        else:
            _outside(attempt, work, index, under_way if index == first else None)
        attempt.checkpoint(f"done-{index}")
        if step.statement.kind not in DATA_ONLY:
            prints = attempt.measure()
        _note(attempt, lambda conn, now=prints: progress.measured(conn, attempt.row_id, now))  # type: ignore[misc]


def set_again(conn: Connection, work: Work, first: int) -> None:
    """What the first statements of an interrupted script had SET, which went with their session, is set in this one."""
    for step in work.steps[:first]:
        if step.node_name == "variable_set_stmt":
            conn.execute(step.statement.text.encode(), binary=True)


def _inside(attempt: Attempt, work: Work, index: int) -> None:
    """One statement and its progress in one transaction."""

    def once() -> None:
        with attempt.conn.transaction():
            _limit(attempt, attempt.limits.lock_timeout, attempt.limits.statement_timeout, local=True)
            _send(attempt, work, index)
            settle(attempt.conn)
            progress.done(attempt.conn, attempt.row_id, index + 1, work.prefix(index + 1))
            attempt.checkpoint(f"before-commit-{index}")

    _retrying(attempt, work, once)


def _outside(attempt: Attempt, work: Work, index: int, found: seen.Seen | None) -> None:
    """One statement that no transaction can hold: noted, cleaned up after if it was tried before, run, looked at.

    Never tried again by itself. CONCURRENTLY has no time limits: it waits for old transactions without standing in
    anybody's way, and giving up would leave an invalid index. Nor has a block that commits by itself one for the whole
    of its work: each of its transactions is short, and together they take as long as the table is large.
    """
    step = work.steps[index]
    if is_concurrent(step):
        _limit(attempt, "0", "0", local=False)
    else:
        whole = "0" if step.statement.kind in ("DO", "CALL") else attempt.limits.statement_timeout
        _limit(attempt, attempt.limits.lock_timeout, whole, local=False)
    if found is None:
        needs_run = not _is_there_already(attempt, work, index)
    else:
        for cleanup in found.cleanup:
            _send(attempt, work, index, cleanup)
        needs_run = found.outcome is not seen.Outcome.DONE and not found.finishes
    if needs_run:
        statement = step.statement
        _note(attempt, lambda c: progress.started_outside(c, attempt.row_id, index, statement.kind, statement.text))
        attempt.checkpoint(f"under-way-{index}")
        _send(attempt, work, index)
        attempt.checkpoint(f"ran-{index}")
    _refuse_invalid(attempt, work, index)
    _note(attempt, lambda c: progress.done(c, attempt.row_id, index + 1, work.prefix(index + 1)))


def _is_there_already(attempt: Attempt, work: Work, index: int) -> bool:
    """Whether an index is there, valid, that the statement makes only IF NOT EXISTS.

    One that is there without that word, or invalid, or something else of its name, is not this statement's: it fails
    here, before the ledger could take it for something that this statement left. Errors: StatementFailed.
    """
    import psycopg

    step = work.steps[index]
    if step.node_name != "index_stmt":
        return False
    found = seen.look(attempt.conn, step)
    if found.outcome is seen.Outcome.NOT_DONE:
        return False
    if found.outcome is seen.Outcome.DONE and step.node.if_not_exists:
        return True
    raise StatementFailed(work, index, psycopg.errors.DuplicateTable(f"{found.line}, and was before this migration"))


def is_concurrent(step: Parsed) -> bool:
    """Whether the statement does its work in several transactions and waits for old ones."""
    return step.node_name in ("index_stmt", "drop_stmt", "reindex_stmt", "alter_table_stmt")


def _refuse_invalid(attempt: Attempt, work: Work, index: int) -> None:
    """IF NOT EXISTS calls it a success when an invalid index of that name is there; we do not."""
    import psycopg

    step = work.steps[index]
    if step.node_name == "index_stmt" and seen.look(attempt.conn, step).outcome is not seen.Outcome.DONE:
        problem = psycopg.errors.ObjectNotInPrerequisiteState(
            f"index {step.node.idxname} is not there and valid after its statement ended"
        )
        raise StatementFailed(work, index, problem)


def _send(attempt: Attempt, work: Work, index: int, text: str | None = None) -> None:
    """One statement to the server: number `index` of the script, or `text` on its behalf."""
    import psycopg

    conn = attempt.conn
    before = conn.info.transaction_status
    try:
        conn.execute((text or work.steps[index].statement.text).encode(), binary=True)
    except psycopg.Error as error:
        if conn.closed or conn.broken:
            raise lost() from None
        raise StatementFailed(work, index, error) from error
    if conn.info.transaction_status != before:
        # cannot happen: a script's own BEGIN and COMMIT are refused, and the server refuses them in a procedure here
        raise lost()


def _note(attempt: Attempt, write: Callable[[Connection], None]) -> None:
    """A line of the ledger in a transaction of its own. Errors: DatabaseError when the session is lost."""
    import psycopg

    try:
        with attempt.conn.transaction():
            settle(attempt.conn)
            write(attempt.conn)
    except psycopg.OperationalError:
        if attempt.conn.closed or attempt.conn.broken:
            raise lost() from None
        raise


def _retrying(attempt: Attempt, work: Work, once: Callable[[], None]) -> None:
    import psycopg

    most = max(attempt.limits.lock_attempts, 1)
    pause = attempt.limits.retry_seconds
    for number in range(1, most + 1):
        try:
            return once()
        except StatementFailed as failure:
            if failure.sqlstate not in TRY_AGAIN or number == most:
                raise
        except psycopg.Error as error:  # from the commit, or from a line of ours
            if attempt.conn.closed or attempt.conn.broken:
                raise lost() from None
            if error.sqlstate not in TRY_AGAIN or number == most:
                raise StatementFailed(work, None, error) from error
        attempt.retries.append(number)
        attempt.checkpoint(f"retry-{number}")
        attempt.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, 10.0)


def _limit(attempt: Attempt, lock_timeout: str, statement_timeout: str, *, local: bool) -> None:
    attempt.conn.execute(
        "SELECT pg_catalog.set_config('lock_timeout', %s, %s), pg_catalog.set_config('statement_timeout', %s, %s)",
        (lock_timeout, local, statement_timeout, local),
    )


def settle(conn: Connection) -> None:
    """Until this transaction ends the ledger is written as the session began (its login, or the role that ALTER ROLE
    ... SET role gives it), with plain names, whatever role or search path the script has set. What it set comes back
    at the commit (manual, SET: LOCAL after a plain SET)."""
    conn.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")
    conn.execute("SET LOCAL role TO DEFAULT")
    conn.execute("SET LOCAL search_path = pg_catalog")


def own_again(conn: Connection) -> None:
    """The session is the login's own again, whatever role the script ended in; its search path stays."""
    conn.execute("RESET SESSION AUTHORIZATION")
    conn.execute("RESET ROLE")
