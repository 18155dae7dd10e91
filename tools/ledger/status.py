"""What is true of every migration: the files, the ledger and the catalog held against each other, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .. import files, naming
from ..files import Layout
from ..records import Migration

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .history import HistoryRow
    from .lock import Holder


class State(StrEnum):
    """PENDING: not applied here. APPLIED. RUNNING: a live session works on it. INTERRUPTED: its session is gone, its
    outcome is told by ledger and catalog. FAILED: the last attempt failed. EDITED: applied, and the file is another
    since. MISSING: applied, and the file is gone. IN_FOLDER: without a target, only the folder is known."""

    PENDING = "pending"
    APPLIED = "applied"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    EDITED = "edited"
    MISSING = "missing"
    IN_FOLDER = "in applied/"


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration. line: what is true, in a sentence; todo: what to do, "" for nothing. out_of_order: pending, and
    a higher number is applied. work: "apply" or "rollback", whichever is under way or last. notes: more that is worth
    knowing; catalog: what the database itself shows of an interrupted attempt."""

    version: str
    name: str
    state: State
    line: str
    todo: str = ""
    out_of_order: bool = False
    work: str = "apply"
    statements_done: int = 0
    statement_count: int = 0
    catalog: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folder: str = ""
    history_id: int = 0

    @property
    def label(self) -> str:
        return f"{self.version}_{self.name}"

    @property
    def needs_care(self) -> bool:
        return bool(self.todo) and self.state is not State.PENDING


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of a project, and of a target when one was asked. holder: the pid of an agentdb at work now, 0 for none.
    unchanged: whether the schema is the one that the last attempt left; None when that is not known."""

    migrations: tuple[MigrationStatus, ...]
    target: Mapping[str, str] | None = None
    ledger: bool = False
    holder: int = 0
    unchanged: bool | None = None

    def count(self, state: State) -> int:
        return sum(m.state is state for m in self.migrations)

    @property
    def verdict(self) -> str:
        """One line that says how things stand."""
        words = [f"{self.count(s)} {s.value}" for s in State if self.count(s)]
        return ", ".join(words) or "no migrations"


def status(layout: Layout, conn: Connection | None = None) -> StatusReport:
    """How things stand; only reads. Without a connection, what the folders say.

    Errors: UsageError and MigrationFileError for the files, DatabaseError for a ledger that may not be read.
    """
    found = files.discover(layout)
    if conn is None:
        return StatusReport(tuple(_from_folder(m) for m in found))
    from ..databases.postgres import target_identity
    from . import history, lock

    rows = history.runs(conn)
    holders = lock.holders(conn)
    workers = tuple(h for h in holders if h.is_worker)
    by_number: dict[int, list[Migration]] = {}
    for migration in found:
        by_number.setdefault(migration.number, []).append(migration)
    numbers = sorted(set(by_number) | {r.number for r in rows if r.status == "applied" or r.is_open})
    highest = max(history.applied(rows), default=0)
    told = tuple(
        _one(conn, layout, by_number.get(n, []), [r for r in rows if r.number == n], workers, highest) for n in numbers
    )
    return StatusReport(
        tuple(s for group in told for s in group),
        target_identity(conn),
        history.is_installed(conn),
        next((h.pid for h in holders), 0),
        _unchanged(conn, rows),
    )


def _from_folder(migration: Migration) -> MigrationStatus:
    if migration.state == "applied":
        line = "lies in applied/; whether a target has it, only the target knows"
        return MigrationStatus(migration.version, migration.name, State.IN_FOLDER, line, folder="applied")
    return MigrationStatus(migration.version, migration.name, State.PENDING, "lies in pending/", folder=migration.state)


def _unchanged(conn: Connection, rows: Sequence[HistoryRow]) -> bool | None:
    """Whether the schema is still what the last attempt left."""
    from . import prints

    ended = [r for r in rows if r.finished and r.status in ("applied", "rolled_back")]
    last = max(ended, key=lambda r: r.finished or r.started, default=None)
    if last is None or not last.fingerprint_after or any(r.is_open for r in rows):
        return None
    return prints.measure(conn).fingerprint == last.fingerprint_after


def _one(
    conn: Connection,
    layout: Layout,
    on_disk: Sequence[Migration],
    rows: Sequence[HistoryRow],
    workers: Sequence[Holder],
    highest: int,
) -> list[MigrationStatus]:
    """The truth about one number; more than one entry only when several files bear it."""
    undoing = next((r for r in rows if r.kind == "rollback" and r.is_open), None)
    doing = next((r for r in rows if r.kind == "apply" and r.is_open), None)
    is_applied = next((r for r in rows if r.kind == "apply" and r.status == "applied"), None)
    twice = ("this number stands twice: see `agentdb conflicts`",) if len(on_disk) > 1 else ()
    row = undoing or doing or is_applied
    if row is None:
        return [_not_applied(m, rows, highest, twice) for m in on_disk]
    migration = next((m for m in on_disk if m.name == row.name), None)
    others = [_stranger(m, row) for m in on_disk if m is not migration]
    folder = migration.path.parent.name if migration else ""
    if row is is_applied:
        return [_applied(conn, layout, row, migration, folder, twice), *others]
    if row.status == "running" and any(h.is_session_of(row) for h in workers):
        return [_running(row, folder, twice), *others]
    return [_stopped(conn, row, folder, twice), *others]


def _not_applied(
    migration: Migration, rows: Sequence[HistoryRow], highest: int, notes: tuple[str, ...]
) -> MigrationStatus:
    last = max((r for r in rows if r.kind == "apply"), key=lambda r: r.id, default=None)
    late = migration.number < highest
    state, line, todo = State.PENDING, "not applied here", "agentdb review, then approve and apply"
    if last and last.status == "failed":
        state = State.FAILED
        line = f"{_error(last)}; nothing of it is left in the database"
        todo = "mend the file, then approve and apply"
    elif last and last.status == "rolled_back":
        line = f"was applied and rolled back ({_when(last)})"
    if late:
        notes = (f"a higher number ({highest}) is applied already: it would run out of order", *notes)
    return MigrationStatus(
        migration.version,
        migration.name,
        state,
        line,
        todo,
        late,
        folder=migration.path.parent.name,
        notes=notes,
        history_id=last.id if last else 0,
    )


def _stranger(migration: Migration, row: HistoryRow) -> MigrationStatus:
    return MigrationStatus(
        migration.version,
        migration.name,
        State.PENDING,
        f"its number belongs to {row.label}, which this database knows",
        "renumber it: agentdb conflicts",
        folder=migration.path.parent.name,
    )


def _applied(
    conn: Connection,
    layout: Layout,
    row: HistoryRow,
    migration: Migration | None,
    folder: str,
    notes: tuple[str, ...],
) -> MigrationStatus:
    line = f"applied {_when(row)}" + (f", approved by {row.approver}" if row.approver else "")
    state, todo = State.APPLIED, ""
    archived = layout.archived / f"{row.label}.sql"
    if migration is None and archived.is_file():
        migration, folder = files.read_migration(archived, layout, "archived"), "archived"
    if migration is None:
        state, todo = State.MISSING, f"restore {row.label}.sql from version control"
        line += "; its file is gone"
    elif row.checksum_version == naming.CHECKSUM_VERSION and migration.sha256 != row.checksum:
        state = State.EDITED
        same = _means_the_same(_sql(conn, row), migration.sql)
        line += "; the file was edited since" + (", in comments or spacing only" if same else "")
        todo = "restore the file as it was applied, and put the change into a new migration"
    elif folder == "pending":
        notes = (*notes, "the file still lies in pending/; the next apply moves it, or move it yourself")
    if not row.fingerprint_after:
        notes = (*notes, "the run ended before it had noted the schema that it left: check with `agentdb drift`")
    return MigrationStatus(
        row.version,
        row.name,
        state,
        line,
        todo,
        statements_done=row.statements_done,
        statement_count=row.statement_count,
        notes=notes,
        folder=folder,
        history_id=row.id,
    )


def _running(row: HistoryRow, folder: str, notes: tuple[str, ...]) -> MigrationStatus:
    doing = "rolling back" if row.kind == "rollback" else "applying"
    at = "in one transaction" if row.transactional else f"statement {row.statements_done + 1} of {row.statement_count}"
    return MigrationStatus(
        row.version,
        row.name,
        State.RUNNING,
        f"{doing}, {at}: session {row.backend_pid} of {row.who} is at work",
        "wait for it",
        work=row.kind,
        statements_done=row.statements_done,
        statement_count=row.statement_count,
        notes=notes,
        folder=folder,
        history_id=row.id,
    )


def _stopped(conn: Connection, row: HistoryRow, folder: str, notes: tuple[str, ...]) -> MigrationStatus:
    """An attempt whose session is gone, or that failed half way."""
    state = State.FAILED if row.status == "failed" else State.INTERRUPTED
    what = "the rollback" if row.kind == "rollback" else "the run"
    command = f"agentdb rollback run {row.version}" if row.kind == "rollback" else "agentdb apply"
    catalog: tuple[str, ...] = ()
    todo = f"{command} --resume (approve again first if the approval has expired)"
    if not row.left_something:
        line = f"{what} was interrupted; its transaction did not commit, so nothing of it is in the database"
        if not row.transactional:
            line = f"{what} was interrupted before its first statement; nothing of it is in the database"
    else:
        line, catalog = _half(conn, row, what)
        if row.kind == "apply":
            todo += f"; or take it back: agentdb rollback {row.version}"
    return MigrationStatus(
        row.version,
        row.name,
        state,
        line,
        todo,
        work=row.kind,
        statements_done=row.statements_done,
        statement_count=row.statement_count,
        catalog=catalog,
        notes=notes,
        folder=folder,
        history_id=row.id,
    )


def _half(conn: Connection, row: HistoryRow, what: str) -> tuple[str, tuple[str, ...]]:
    """A script without a transaction that stopped: the sentence, and what the catalog says."""
    from . import scripts, seen

    number, count = row.statements_done + 1, row.statement_count
    work = scripts.read(_sql(conn, row), where=row.label, no_transaction=True)
    said = []
    if row.under_way:
        found = seen.look_at_text(conn, str(row.under_way.get("text", "")))
        line = f"{what} was interrupted at statement {number} of {count}, {row.under_way.get('kind')}: {found.line}"
    elif row.statements_done == count:
        line = (
            f"{what} was interrupted when all its {count} statements were done; only the ledger's last word is missing"
        )
    elif row.status == "failed":
        line = f"{what} failed at statement {number} of {count}"
    else:
        line = f"{what} was interrupted before statement {number} of {count}"
    if row.status == "failed":
        line = f"{line} ({_error(row)})"
    for index, step in enumerate(work.steps[: row.statements_done + 1]):
        relations = step.statement.creates if step.statement.kind in RELATIONS else ()
        for name, there in seen.present(conn, relations).items():
            ledger = "done" if index < row.statements_done else "under way" if row.under_way else "not begun"
            said.append(
                f"statement {index + 1}, {step.statement.kind} {name}: {ledger}; it is {'' if there else 'not '}there"
            )
    return line, tuple(said)


RELATIONS = frozenset({"CREATE TABLE", "CREATE INDEX", "CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE SEQUENCE"})


def _sql(conn: Connection, row: HistoryRow) -> str:
    from . import history

    return history.sql_of(conn, row)


def _means_the_same(one: str, other: str) -> bool:
    """Whether two scripts differ in comments and spacing only."""
    from ..sql.parse import parse

    first, second = parse(one), parse(other)
    if first.problem or second.problem:
        return False
    from ..sql.grammar import GrammarError, deparse

    try:
        return [deparse(p.statement.text) for p in first.statements] == [
            deparse(p.statement.text) for p in second.statements
        ]
    except GrammarError:
        return False


def _error(row: HistoryRow) -> str:
    error: Mapping[str, Any] = row.error or {}
    at = error.get("statement")
    where = f" at statement {at + 1}" if isinstance(at, int) else ""
    return f"failed{where}: {error.get('message', 'no reason recorded')}"


def _when(row: HistoryRow) -> str:
    return (row.finished or row.started).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
