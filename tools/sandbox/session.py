"""One script on its way through the sandbox: its transactions, its statements, what each did, and its failure."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

from ..databases.queries import load
from ..records import Span, Statement
from ..sql import grammar
from ..sql.parse import Parsed, Script
from . import extensions, failures, guard, outside, probe
from .roles import named_in
from .runs import SandboxRun, StatementRun
from .trace import Messages, Tracer

if TYPE_CHECKING:
    import psycopg

    from ..databases.postgres import Connection
    from .databases import SandboxDatabase

CHATTER = "SET client_min_messages = debug1"
# After these the session's settings may be others than before.
MAY_SET = {"SET", "DISCARD", "DO", "SELECT", "CALL", "TRANSACTION", "EXECUTE"}
MAY_COMMIT = ("DO", "CALL")
COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "SELECT")


class Session:
    """One script on its way through one session. As a context manager it closes what it opened."""

    def __init__(
        self, database: SandboxDatabase, script: Script, no_transaction: bool, trace: bool, timeout: float, path: str
    ) -> None:
        self.database, self.script, self.trace, self.timeout, self.path = database, script, trace, timeout, path
        self.no_transaction = no_transaction
        self.of_the_file = False
        self.notes: list[str] = []
        self.done: list[StatementRun] = []
        self.messages = Messages()
        self.held = ExitStack()

    def __enter__(self) -> Self:
        self.connection = self.held.enter_context(self.database.connect())
        self.connection.add_notice_handler(self.messages)
        if self.trace:
            self.tracer = Tracer(self.connection)
            self.prober = self.held.enter_context(self.database.connect())
            self.connection.execute(CHATTER.encode())
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    def all(self, capture_sql: str) -> SandboxRun:
        from psycopg import Error

        self.meet_roles()
        settings = {
            name: str(self.connection.execute(f"SHOW {name}".encode()).fetchone()[0])  # type: ignore[index]
            for name in ("TimeZone", "search_path")
        }
        capture_ms = 0.0
        statements = self.script.statements if self.script.problem is None else (_whole(self.script),)
        wrapped = _wrapped(statements)
        self.note_mixture(statements)
        if capture_sql:
            began = time.perf_counter()
            try:
                self.begin()
                self.connection.execute(capture_sql.encode())
                if not self.belongs_in_transaction(statements[wrapped] if statements else None):
                    self.commit()
            except Error as error:
                self.roll_back()
                return SandboxRun(
                    False,
                    error=f"the capture script failed: {failures.message(error)}",
                    sqlstate=error.sqlstate or "",
                    settings=settings,
                )
            capture_ms = (time.perf_counter() - began) * 1000
            self.messages.take()
        failed = None
        for number, parsed in enumerate(statements):
            around = wrapped and number in (0, len(statements) - 1)
            failed = self.step(parsed, "agentdb opens and ends the transaction" if around else "")
            if failed:
                break
        failed = failed or self.finish()
        makes_extension = re.search(r"create\s+extension", self.script.sql, re.IGNORECASE)
        if failed is None and makes_extension and (stand_ins := extensions.used(self.connection)):
            self.notes.append(extensions.warning(stand_ins))
        return replace(
            failed or SandboxRun(True),
            statements=tuple(self.done),
            notes=tuple(dict.fromkeys(self.notes)),
            settings=settings,
            capture_ms=capture_ms,
        )

    def note_mixture(self, statements: Sequence[Parsed]) -> None:
        outside = [p.statement for p in statements if p.statement.transactional is False]
        if outside and len(outside) < len(statements) and not self.no_transaction:
            self.notes.append(
                f"line {outside[0].span.line}: {outside[0].kind} cannot stand in a transaction and other statements of the"
                " file would; `agentdb apply` refuses such a file unless it says `-- agentdb: no-transaction`"
            )

    # -- transactions

    @property
    def open(self) -> bool:
        from psycopg.pq import TransactionStatus

        return self.connection.info.transaction_status != TransactionStatus.IDLE

    def begin(self) -> None:
        if self.trace:
            self.tracer.transaction_begins()
        self.connection.execute(b"BEGIN")

    def commit(self) -> None:
        self.connection.execute(b"COMMIT")

    def roll_back(self) -> None:
        if not self.connection.closed and self.open:
            self.connection.execute(b"ROLLBACK")

    def belongs_in_transaction(self, parsed: Parsed | None) -> bool:
        return parsed is not None and parsed.statement.transactional is not False and not self.no_transaction

    def ends_its_own(self, statement: Statement) -> bool:
        """Whether the statement may COMMIT by itself (a DO block, a CALL) and stands where it can."""
        return (
            statement.transactional is None and self.no_transaction and not self.open and statement.kind in MAY_COMMIT
        )

    def finish(self) -> SandboxRun | None:
        """Commit what is open; deferred constraints speak here."""
        from psycopg import Error

        if not self.open:
            return None
        try:
            roles = self.roles_made_inside()
            self.commit()
        except Error as error:
            self.roll_back()
            return self.failure(error, 0, "at COMMIT: ")
        for name in roles:
            self.database.adopt_role(name)
            self.notes.append(f"role {name} is made for the sandbox only and dropped afterwards")
        return None

    # -- one statement

    def step(self, parsed: Parsed, left_out: str) -> SandboxRun | None:
        """Run one statement and add what it did; the failed run if it fails."""
        statement = parsed.statement
        left_out = left_out or guard.skipped(parsed) or self.role_made(parsed)
        if not self.open and _transaction(parsed) in ("BEGIN", "START"):
            self.begin()
            self.of_the_file = True
            left_out = "begins the file's own transaction"
        if left_out:
            self.done.append(_record(statement, ok=True, skipped=left_out, blocks=()))
            return None
        if statement.transactional is False or self.ends_its_own(statement):
            if self.open and (failed := self.finish()):
                return failed
            return self.alone(parsed)
        if not self.open:
            self.begin()
        failed = self.inside(parsed)
        if failed is None and not self.open:
            self.of_the_file = False
            self.notes.append(
                f"line {statement.span.line}: {statement.text.split(maxsplit=1)[0].upper()} ends the transaction;"
                " what comes after is not undone when something fails later"
            )
        elif failed is None and self.no_transaction and not self.of_the_file:
            failed = self.finish()
        return failed

    def inside(self, parsed: Parsed) -> SandboxRun | None:
        from psycopg import Error

        statement = parsed.statement
        began = time.perf_counter()
        try:
            with _Limit(self.connection, self.timeout):
                cursor = self.connection.execute(statement.text.encode())
            ms = (time.perf_counter() - began) * 1000
        except Error as error:
            return self.failed(statement, error, (time.perf_counter() - began) * 1000)
        debug, notices = self.messages.take()
        record = _record(statement, ok=True, ms=ms, rows=_rows(cursor), notices=notices)
        if not self.trace or not self.open:
            self.done.append(record)
            return None
        if statement.kind in MAY_SET:
            if statement.kind in ("SET", "TRANSACTION"):  # a query now would forbid SET TRANSACTION to come
                self.connection.execute(CHATTER.encode())
                self.done.append(replace(record, blocks=()))
                return None
            self.connection.execute(CHATTER.encode())
        work = self.tracer.work(debug, statement.text)
        found = probe.tried(self.prober, self.tracer.before, work.modes, self.tracer.references, work.changed)
        self.messages.take()
        self.done.append(
            replace(
                record,
                locks=work.locks,
                held=work.held,
                rewrites=work.rewrites,
                scans=work.scans,
                index_builds=work.index_builds,
                written=work.written,
                dropped=work.dropped,
                blocked=found.blocked,
                blocks=probe.together(found.blocked) if found.known else None,
                rows_locked=found.rows_locked,
            )
        )
        return None

    def alone(self, parsed: Parsed) -> SandboxRun | None:
        from psycopg import Error

        statement = parsed.statement
        if not self.trace:
            began = time.perf_counter()
            try:
                with _Limit(self.connection, self.timeout):
                    cursor = self.connection.execute(statement.text.encode())
            except Error as error:
                return self.failed(statement, error, (time.perf_counter() - began) * 1000)
            ms = (time.perf_counter() - began) * 1000
            notices = self.messages.take()[1]
            self.done.append(
                _record(statement, ok=True, ms=ms, rows=_rows(cursor), notices=notices, in_transaction=False)
            )
            return None
        with _Limit(self.connection, self.timeout):
            seen = outside.watch(self.database, self.connection, statement, self.tracer.before, self.tracer.references)
        if seen.error is not None:
            return self.failed(statement, seen.error, seen.ms)
        debug, notices = self.messages.take()
        rewrites, dropped = self.tracer.changed_since()
        self.done.append(
            _record(
                statement,
                ok=True,
                ms=seen.ms,
                locks=seen.locks,
                rewrites=rewrites,
                dropped=dropped,
                index_builds=self.tracer.builds_told(debug, seen.tables),
                notices=notices,
                blocks=None if seen.blocked is None else probe.together(seen.blocked),
                blocked=seen.blocked or {},
                in_transaction=False,
            )
        )
        return None

    # -- failures

    def failed(self, statement: Statement, error: psycopg.Error, ms: float) -> SandboxRun:
        line, column = failures.place(statement, error)
        _, notices = self.messages.take()
        timed_out = error.sqlstate == "57014" and ms >= self.timeout * 1000
        message = f"stopped after {self.timeout:.0f} seconds" if timed_out else failures.message(error)
        self.done.append(
            _record(
                statement,
                ok=False,
                line=line,
                column=column,
                sqlstate=error.sqlstate or "",
                message=message,
                detail=error.diag.message_detail or "",
                hint=error.diag.message_hint or "",
                ms=ms,
                notices=notices,
                in_transaction=statement.transactional is not False,
            )
        )
        self.roll_back()
        return replace(self.failure(error, line), error=failures.located(self.path, line, message))

    def failure(self, error: psycopg.Error, line: int, prefix: str = "") -> SandboxRun:
        return SandboxRun(
            False,
            error=failures.located(self.path, line, prefix + failures.message(error)),
            line=line,
            sqlstate=error.sqlstate or "",
            unknown=failures.lacking(error),
        )

    # -- roles

    def meet_roles(self) -> None:
        """Where the target's roles are not known, those that the script speaks of are made; else their lack is told."""
        for name in named_in(self.script):
            if self.database.roles is None:
                if self.database.ensure_role(name):
                    self.notes.append(f"role {name} is made for the sandbox; whether the target has it is not known")
            elif name not in self.database.roles:
                self.notes.append(f"the target has no role {name}")

    def role_made(self, parsed: Parsed) -> str:
        if parsed.node_name != "create_role_stmt":
            return ""
        name = str(parsed.node.role)
        if name in (self.database.roles or ()):
            return ""  # the target has it: let the server say so
        self.database.ensure_role(name)
        return "made without login and rights, since roles belong to the whole server"

    def roles_made_inside(self) -> list[str]:
        """The roles that a block of the open transaction made: they are dropped with the sandbox."""
        if not re.search(r"create\s+(role|user|group)\b", self.script.sql, re.IGNORECASE):
            return []
        rows = self.connection.execute(load("postgres", "sandbox_roles_made").encode()).fetchall()
        return [name for (name,) in rows]


class _Limit:
    """Cancels what the connection runs when it takes longer than `seconds`."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self.timer = Timer(seconds, connection.cancel_safe)
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()


def _whole(script: Script) -> Parsed:
    """A script that the grammar rejects, as one piece: the server says what it thinks of it."""
    text = script.sql
    return Parsed(Statement(0, text, Span(0, len(text.encode()), 1), "UNKNOWN", transactional=None), "", None)


def _wrapped(statements: Sequence[Parsed]) -> bool:
    """The file opens a transaction with its first statement, ends it with its last, and does so only once."""
    kinds = [_transaction(p) for p in statements]
    ends = [k for k in kinds if k in ("BEGIN", "START", "COMMIT", "ROLLBACK", "PREPARE")]
    return len(ends) == 2 and kinds[0] in ("BEGIN", "START") and kinds[-1] == "COMMIT"


def _transaction(parsed: Parsed) -> str:
    """BEGIN, START, COMMIT, ROLLBACK, SAVEPOINT, ... for a statement that steers transactions, else ""."""
    if parsed.node_name != "transaction_stmt":
        return ""
    return grammar.enum_name(parsed.node, "kind").removeprefix("TRANS_STMT_")


def _record(statement: Statement, *, ok: bool, line: int = 0, column: int = 0, **fields: Any) -> StatementRun:
    return StatementRun(
        statement.index,
        statement.kind,
        statement.text,
        line or statement.span.line,
        ok,
        column or statement.span.column,
        **fields,
    )


def _rows(cursor: Any) -> int | None:
    status = (cursor.statusmessage or "").split()
    return cursor.rowcount if status and status[0] in COUNTED and status[-1].isdigit() else None
