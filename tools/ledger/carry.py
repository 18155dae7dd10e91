"""A cleared plan carried out, migration by migration, each with its line in the ledger before, during and after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from ...errors import AgentdbError, RefusedError, StatementError
from .. import files
from ..records import Migration
from ..schema.snapshot import read_snapshot
from . import audit, execute, history, lock, prints, progress, remembered, seen
from .execute import Attempt, StatementFailed
from .gate import Cleared, Item, drifted
from .history import HistoryRow
from .prints import Prints

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .apply import ApplyRequest


@dataclass(frozen=True, slots=True)
class Done:
    """One migration that was carried out. attempts: how often its transactions were tried because of locks.
    before, out_of_order: for a rollback, the schema that should return, if later migrations do not hide it."""

    label: str
    history_id: int
    status: str
    statements: int
    seconds: float
    attempts: int
    before: Prints | None = None
    out_of_order: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """What carrying out came to: the migrations, the schema afterwards, the ledger's parts installed, notes."""

    done: tuple[Done, ...]
    after: Prints
    installed: tuple[str, ...]
    notes: tuple[str, ...]


def carry_out(request: ApplyRequest, cleared: Cleared, lock_conn: Connection) -> Carried:
    """The plan's migrations, done. `lock_conn` holds the lock and stays idle but for reading the schema in between.

    Errors: RefusedError when the target changed in between, DatabaseError when a statement failed.
    """
    installed = _open_ledger(request, cleared)
    request.checkpoint("opened")
    done = [_finished_before(request, cleared, row) for row in cleared.finished]
    notes: list[str] = []
    now = cleared.before
    for item in cleared.items:
        one, now = _carry_one(request, cleared, item, now, lock_conn)
        done.append(one)
        notes += _move(request, cleared, item)
        request.checkpoint(f"moved-{item.planned.label}")
    notes += _put_in_order(request, cleared, lock_conn)
    _seal(request, cleared, now)
    return Carried(tuple(done), now, installed, tuple(notes))


def _open_ledger(request: ApplyRequest, cleared: Cleared) -> tuple[str, ...]:
    """One transaction: the ledger is there, the approval is used, what earlier sessions left open is closed."""
    with _session(request) as conn, conn.transaction():
        installed = history.install(conn)
        if cleared.approval and cleared.first_use:
            progress.use_approval(conn, cleared.approval, request.who)
        for row in cleared.stale:
            progress.failed(conn, row.id, {"message": "interrupted; nothing of it was kept"}, dirty=False)
        detail: dict[str, Any] = {"plan_sha256": cleared.plan.sha256, "kind": cleared.plan.kind}
        if cleared.approval:
            detail |= {"nonce": cleared.approval.nonce, "approver": cleared.approval.approver}
        audit.record(conn, request.who, "begun" if cleared.first_use else "continued", detail)
        request.checkpoint("opening")
    return installed


def _seal(request: ApplyRequest, cleared: Cleared, now: Prints) -> None:
    """The run's last line; and the schema, where an interrupted run had done its last migration and not noted it."""
    with _session(request) as conn, conn.transaction():
        last = max(cleared.finished, key=lambda r: r.id, default=None)
        if last and not last.fingerprint_after and not cleared.items:
            progress.measured(conn, last.id, now)
        audit.record(conn, request.who, "ended", {"plan_sha256": cleared.plan.sha256, "kind": cleared.plan.kind})


def _session(request: ApplyRequest) -> contextlib.AbstractContextManager[Connection]:
    return lock.work_session(request.dsn, wait_seconds=request.limits.lock_wait_seconds, sleep=request.sleep)


def _carry_one(
    request: ApplyRequest, cleared: Cleared, item: Item, before: Prints, lock_conn: Connection
) -> tuple[Done, Prints]:
    """One migration done, and the schema after it."""
    kind, planned = cleared.plan.kind, item.planned
    word = "rolled back" if kind == "rollback" else "applied"

    def recheck() -> None:
        try:
            if not lock.still_held(lock_conn):
                raise lock.lost()
            changed = prints.measure(lock_conn) != before
        except psycopg.OperationalError:
            raise lock.lost() from None
        if changed:
            raise drifted("the schema changed after the plan had passed the gate")

    with _session(request) as conn:
        lock.end_with_client(conn, item.work.transactional)
        found = _look_again(request, conn, item)
        if item.row:
            before = prints.measure(lock_conn)  # a session without its client may have worked on until now
        row_id = _open_row(request, cleared, item, before, conn)
        request.checkpoint(f"begun-{planned.label}")
        retries: list[int] = []
        attempt = Attempt(
            conn,
            row_id,
            request.limits,
            request.checkpoint,
            request.sleep,
            recheck,
            lambda: prints.measure(lock_conn),
            retries,
        )
        detail = {"label": planned.label, "history_id": row_id, "plan_sha256": cleared.plan.sha256}

        def close(work_conn: Connection) -> None:
            progress.finish(work_conn, row_id, planned, kind, item.work.prefix(planned.statements))
            audit.record(work_conn, request.who, word.replace(" ", "-"), detail)

        try:
            if item.work.transactional:
                execute.together(attempt, item.work, item.capture, close)
            else:
                _one_by_one(attempt, item, before, found, close)
        except StatementFailed as failure:
            raise _failed(request, attempt, item, failure, detail) from None
        except RefusedError as refusal:
            _close_refused(attempt, refusal)
            raise
        request.checkpoint(f"committed-{planned.label}")
        snapshot = read_snapshot(lock_conn)
        after = prints.of(snapshot)
        execute.own_again(conn)
        progress.measured(conn, row_id, after)
        row = conn.execute("SELECT duration_ms FROM agentdb.history WHERE id = %s", (row_id,)).fetchone()
    remembered.keep_schema(request.layout.state_dir, snapshot, after.fingerprint)
    request.checkpoint(f"measured-{planned.label}")
    seconds = (row[0] or 0) / 1000 if row else 0.0
    undone = item.undone
    return Done(
        planned.label,
        row_id,
        word,
        planned.statements,
        seconds,
        len(retries) + 1,
        Prints(undone.fingerprint_before, undone.shape_before) if undone else None,
        planned.out_of_order,
    ), after


def _one_by_one(
    attempt: Attempt, item: Item, before: Prints, found: seen.Seen | None, close: Callable[[Connection], None]
) -> None:
    """A script without a transaction around it, from where it stopped."""
    first = item.row.statements_done if item.row else 0
    if item.row is None:
        attempt.recheck()
    if item.capture and not (item.row and item.row.captured):
        execute.kept_first(attempt, item.capture)
        attempt.checkpoint("captured")
    execute.one_by_one(attempt, item.work, first, before, found)
    with attempt.conn.transaction():
        execute.settle(attempt.conn)
        close(attempt.conn)
        attempt.checkpoint("before-commit")


def _look_again(request: ApplyRequest, conn: Connection, item: Item) -> seen.Seen | None:
    """What the catalog says of the statement that was under way when this attempt was interrupted, None for none.

    Errors: RefusedError unclear, changed-file.
    """
    row = item.row
    if row is None:
        return None
    execute.set_again(conn, item.work, row.statements_done)
    if not row.under_way:
        return None
    text = str(row.under_way.get("text", ""))
    found = seen.look_at_text(conn, text)
    same = row.statements_done < len(item.work.steps) and item.work.steps[row.statements_done].statement.text == text
    if found.outcome is seen.Outcome.UNCLEAR:
        if request.under_way == "done" and same:
            return seen.Seen(seen.Outcome.DONE, "a person says that it is done")
        if request.under_way == "again":
            return seen.Seen(seen.Outcome.NOT_DONE, "a person says that it may run again")
        raise RefusedError(
            f"statement {row.statements_done + 1} of {row.label} was under way when the run was interrupted: {found.line}",
            reason="unclear",
            where=item.work.where,
            hint="Look at the database, then resume with --under-way done or --under-way again.",
        )
    if same:
        return found
    if found.outcome is seen.Outcome.DONE:
        raise RefusedError(
            f"statement {row.statements_done + 1} of {row.label} took effect, and was edited since",
            reason="changed-file",
            where=item.work.where,
            hint="Restore it, or roll the migration back.",
        )
    return seen.Seen(seen.Outcome.NOT_DONE, found.line, found.cleanup)


def _open_row(request: ApplyRequest, cleared: Cleared, item: Item, before: Prints, conn: Connection) -> int:
    """The attempt's line in the ledger: a new one, or the interrupted one taken over."""
    if item.row is None:
        return progress.begin(
            conn, cleared.plan, item.planned, item.sql, before, who=request.who, approval=cleared.approval
        )
    progress.take_over(conn, item.row, cleared.plan, item.planned, item.sql, who=request.who, approval=cleared.approval)
    return item.row.id


def _failed(
    request: ApplyRequest, attempt: Attempt, item: Item, failure: StatementFailed, detail: dict[str, Any]
) -> StatementError:
    """The error for a statement that the server refused, with the truth about what is left written down."""
    execute.own_again(attempt.conn)
    left = "" if item.work.transactional else _clean_up(attempt, item, failure)
    row = attempt.conn.execute(
        "SELECT statements_done > 0 OR captured OR under_way IS NOT NULL FROM agentdb.history WHERE id = %s",
        (attempt.row_id,),
    ).fetchone()
    dirty = bool(row and row[0]) and not item.work.transactional
    with attempt.conn.transaction():
        execute.settle(attempt.conn)
        progress.failed(attempt.conn, attempt.row_id, failure.to_json(), dirty=dirty)
        audit.record(attempt.conn, request.who, "failed", detail | failure.to_json())
    state = " ".join(f"{failure.sqlstate}: {failure.message}".split())
    if dirty:
        back = f"agentdb rollback {item.planned.version} takes it back"
        hint = f"{left} `agentdb status` says what is there; apply --resume continues, {back}.".strip()
    else:
        hint = f"{left} Nothing of {item.planned.label} is left in the database.".strip()
    return StatementError(f"{failure.number} failed: {state}", where=failure.where, hint=hint, detail=failure.detail)


def _clean_up(attempt: Attempt, item: Item, failure: StatementFailed) -> str:
    """What became of a statement that failed outside a transaction, in words; what it left is removed if it can be."""
    conn = attempt.conn
    row = conn.execute("SELECT under_way IS NOT NULL FROM agentdb.history WHERE id = %s", (attempt.row_id,)).fetchone()
    if failure.step is None or not (row and row[0]):
        return ""
    found = seen.look(conn, item.work.steps[failure.step])
    line = f"{found.line}."
    # refused before any work was done: syntax, names, rights (class 42), what is not supported (class 0A)
    untouched = failure.sqlstate[:2] in ("42", "0A") and found.outcome is not seen.Outcome.UNCLEAR
    if found.outcome is seen.Outcome.HALF and not found.finishes and not untouched:
        try:
            for cleanup in found.cleanup:
                conn.execute(cleanup.encode(), binary=True)
        except psycopg.Error:
            return f"{line} Removing it failed too."
        line = f"{line} It was removed."
        found = seen.look(conn, item.work.steps[failure.step])
    if untouched or found.outcome in (seen.Outcome.NOT_DONE, seen.Outcome.REPEATABLE):
        with conn.transaction():
            execute.settle(conn)
            progress.nothing_under_way(conn, attempt.row_id)
        return "" if untouched else line
    return line


def _close_refused(attempt: Attempt, refusal: RefusedError) -> None:
    """A refusal inside the work leaves an attempt that failed, not one that seems to run."""
    with contextlib.suppress(AgentdbError):
        execute.own_again(attempt.conn)
        row = attempt.conn.execute(
            "SELECT NOT transactional AND (statements_done > 0 OR captured) FROM agentdb.history WHERE id = %s",
            (attempt.row_id,),
        ).fetchone()
        error = {"sqlstate": "", "message": refusal.what, "statement": None}
        progress.failed(attempt.conn, attempt.row_id, error, dirty=bool(row and row[0]))


def _finished_before(request: ApplyRequest, cleared: Cleared, row: HistoryRow) -> Done:
    """A migration that an interrupted run had finished, as part of the resumed one's result."""
    planned = next(m for m in cleared.plan.migrations if m.number == row.number)
    word = "rolled back before" if cleared.plan.kind == "rollback" else "applied before"
    return Done(
        row.label, row.id, word, row.statement_count, (row.duration_ms or 0) / 1000, 0, None, planned.out_of_order
    )


def _move(request: ApplyRequest, cleared: Cleared, item: Item) -> list[str]:
    """A note when the migration's file could not be put where it belongs now; the ledger is the truth, not the folder."""
    folder = request.layout.pending if cleared.plan.kind == "rollback" else request.layout.applied
    return _moved(item.migration, folder) if item.migration.path.parent != request.layout.archived else []


def _put_in_order(request: ApplyRequest, cleared: Cleared, conn: Connection) -> list[str]:
    """Files that a run moved too late, because it was killed in between, lie where the ledger says."""
    try:
        there = files.discover(request.layout)
    except AgentdbError as error:
        return [f"files were left where they are: {error}"]
    notes: list[str] = []
    back = {r.number for r in cleared.finished} if cleared.plan.kind == "rollback" else set()
    done = {(r.label, r.checksum) for r in history.applied(history.runs(conn)).values()}
    for migration in there:
        if migration.number in back:
            notes += _moved(migration, request.layout.pending)
        elif (migration.label, migration.sha256) in done:
            notes += _moved(migration, request.layout.applied)
    return notes


def _moved(migration: Migration, folder: Path) -> list[str]:
    if migration.path.parent == folder:
        return []
    try:
        files.move(migration, folder)
    except (AgentdbError, OSError) as error:
        return [f"{migration.path.name} could not be moved to {folder.name}/: {error}"]
    return []
