"""Asking a live database without being able to change it, to wait for it, or to be fooled by what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...errors import DatabaseError
from . import queries

if TYPE_CHECKING:
    from .postgres import Connection

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 500

_GUARD = (
    "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', %s, true),"
    " set_config('lock_timeout', %s, true), set_config('search_path', %s, true),"
    " set_config('idle_in_transaction_session_timeout', '60000', true), set_config('row_security', 'off', true),"
    " set_config('jit', 'off', true), set_config('enable_nestloop', 'off', true)"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """A connection on which every question runs in a read-only transaction of its own that is rolled back.

    Times are in milliseconds. The extended protocol carries one statement per message, so that no text can smuggle
    in a second one; search_path holds pg_catalog only, so that no object of the database stands in for a system
    one; with row_security off a question fails rather than counts less than there is.
    Catalogs are often never analyzed: without nested loops a bad guess of the planner costs little (measured with 2,000
    tables: 0.4 s instead of 8 s), and JIT pays for none of these questions. Source: manual, SET TRANSACTION; "Message Flow, Extended Query"; "Writing SECURITY DEFINER Functions Safely".
    """

    connection: Connection
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
    lock_timeout_ms: int = LOCK_TIMEOUT_MS

    def rows(
        self, name: str, values: Mapping[str, Any] | None = None, *, search_path: str = "pg_catalog, pg_temp"
    ) -> list[dict[str, Any]]:
        """The rows of the named query. Errors: psycopg.Error; DatabaseError when the connection is in a transaction."""
        return self.select(queries.load("postgres", name), values, search_path=search_path)

    def select(
        self, sql: Any, values: Mapping[str, Any] | None = None, *, search_path: str = "pg_catalog, pg_temp"
    ) -> list[dict[str, Any]]:
        """The rows of one statement, JSON-plain. `sql`: text, or psycopg.sql.Composed for identifiers.
        Without values a % stands for itself."""
        from psycopg.pq import TransactionStatus
        from psycopg.rows import dict_row

        if self.connection.info.transaction_status is not TransactionStatus.IDLE:
            raise DatabaseError(
                "the connection is in a transaction, so a question on it would not be read-only",
                hint="Give such questions a connection of their own.",
            )
        timeouts = (str(self.statement_timeout_ms), str(self.lock_timeout_ms), search_path)
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(_GUARD, timeouts)
            # binary results: psycopg then always speaks the extended protocol, also when there are no parameters
            with self.connection.cursor(binary=True, row_factory=dict_row) as cursor:
                cursor.execute(sql, dict(values) if values else None)
                return [{k: plain(v) for k, v in row.items()} for row in cursor.fetchall()]


def plain(value: Any) -> Any:
    """A value of a result as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def reason(error: BaseException) -> str:
    """Why a question stayed without an answer, in one line that holds no value of the database."""
    import psycopg
    from psycopg import errors

    if isinstance(error, errors.InsufficientPrivilege):
        return f"the role may not read it ({_first_line(error)})"
    if isinstance(error, errors.QueryCanceled):
        return "no answer within the statement timeout"
    if isinstance(error, errors.LockNotAvailable):
        return "it would have had to wait for a lock"
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedFunction, errors.UndefinedColumn)):
        return f"this server does not have what the question needs ({_first_line(error)})"
    if isinstance(error, (psycopg.DataError, psycopg.IntegrityError)):  # their messages quote values of rows
        return f"a value of a row made the query fail (SQLSTATE {error.sqlstate})"
    if isinstance(error, psycopg.OperationalError):
        return f"the connection failed ({_first_line(error)})"
    if isinstance(error, psycopg.Error):
        return f"the query failed ({_first_line(error)})"
    return f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    import psycopg

    text = (error.diag.message_primary if isinstance(error, psycopg.Error) else None) or str(error)
    return text.strip().splitlines()[0][:200] if text.strip() else type(error).__name__
