"""The health report: every check asked, none able to break the others, the worst first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import DatabaseError
from . import wording
from .reading import STATEMENT_TIMEOUT_MS, Reader, Server, reason
from .registry import Ask, Check, chosen, limits_of, refuse_unknown_limits
from .result import CheckResult, Outcome, Status, unknown, worst

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SCHEMA_VERSION = 1
MAX_ROWS = 50


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What the checks found, in the order of their ids. JSON-plain through records.to_plain."""

    server: Server
    checks: tuple[CheckResult, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def status(self) -> Status:
        """The worst status of all checks."""
        return worst(c.status for c in self.checks)

    @property
    def troubles(self) -> tuple[CheckResult, ...]:
        """The checks that are bad or warn, worst first."""
        return tuple(sorted((c for c in self.checks if c.status.rank >= Status.WARN.rank), key=_order))

    @property
    def unanswered(self) -> tuple[CheckResult, ...]:
        return tuple(c for c in self.checks if c.status is Status.UNKNOWN)

    @property
    def verdict(self) -> str:
        """One line: how it is, in numbers."""
        numbers = {s: sum(c.status is s for c in self.checks) for s in Status}
        if self.status is Status.OK:
            return f"healthy: {wording.count(len(self.checks), 'check')}, nothing to say"
        parts = []
        if numbers[Status.BAD]:
            parts.append(f"{numbers[Status.BAD]} bad")
        if numbers[Status.WARN]:
            parts.append(f"{numbers[Status.WARN]} to look at")
        if numbers[Status.UNKNOWN]:
            parts.append(f"{numbers[Status.UNKNOWN]} could not be answered")
        word = {Status.BAD: "not healthy", Status.WARN: "not quite healthy"}.get(self.status, "healthy as far as known")
        return f"{word}: of {wording.count(len(self.checks), 'check')} {', '.join(parts)}, {numbers[Status.OK]} ok"

    def check(self, id: str) -> CheckResult:
        """One check's result. Errors: KeyError."""
        return {c.id: c for c in self.checks}[id]


def health(
    conn: Connection,
    *,
    only: Sequence[str] = (),
    limits: Mapping[str, Mapping[str, float]] | None = None,
    ledger_rows: Sequence[Any] | None = None,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    max_rows: int = MAX_ROWS,
) -> HealthReport:
    """The state of the connection's database, asked read-only.

    conn: autocommit, idle, for this alone. only: check ids, all without any. limits: thresholds by check id and
    name, the rest keep their defaults. ledger_rows: what ledger.history.rows gave; None when nobody looked.
    Errors: ConfigError for an unknown check or limit; DatabaseError when the server does not even say who it is.
    Everything else that goes wrong is a check with status unknown.
    """
    import psycopg

    wanted, given = chosen(only), dict(limits or {})
    refuse_unknown_limits(given)
    reader = Reader(conn, statement_timeout_ms)
    try:
        server = reader.server()
    except psycopg.Error as error:
        raise DatabaseError(f"the server cannot be asked: {reason(error)}") from None
    results = []
    for entry in wanted:
        ask = Ask(entry.query, reader, server, limits_of(entry, given), ledger_rows)
        results.append(answered(entry, ask, max_rows))
    return HealthReport(server, tuple(results))


def answered(entry: Check, ask: Ask, max_rows: int = MAX_ROWS) -> CheckResult:
    """The check's result; whatever goes wrong in it gives status unknown with the reason."""
    start = time.perf_counter()
    try:
        outcome: Outcome = entry.function(ask)
    except Exception as error:  # noqa: BLE001  a check must not take the report down, and a failed one is never ok
        outcome = unknown(reason(error))
    return CheckResult(
        id=entry.id,
        title=entry.title,
        question=entry.question,
        status=outcome.status,
        summary=outcome.summary,
        rows=outcome.rows[:max_rows],
        advice=outcome.advice[:max_rows],
        total=len(outcome.rows),
        limits=dict(ask.limits),
        ms=round((time.perf_counter() - start) * 1000, 1),
    )


def _order(result: CheckResult) -> tuple[int, str]:
    return (-result.status.rank, result.id)
