"""A rollback carried out through the one gate, watched: when each statement began and ended, and how the target was
before and after."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...errors import AgentdbError, DatabaseError, RefusedError, VerificationError
from ..databases.postgres import connect
from ..ledger import history, scripts
from ..ledger import plan as plans
from ..ledger.apply import ApplyRequest, ApplyResult, roll_back
from ..ledger.plan import Plan, PlannedMigration
from .ran import instant

if TYPE_CHECKING:
    from ..databases.postgres import Connection

WORSE = {"ok": 0, "unknown": 0, "warn": 1, "bad": 2}
STATEMENT = re.compile(r"before-statement-(\d+)")


@dataclass(slots=True)
class Watch:
    """The points that a run passed, with their times; `around` hands them on to whoever listened before."""

    clock: Callable[[], datetime]
    points: list[tuple[str, datetime]] = field(default_factory=list)

    def around(self, before: Callable[[str], None]) -> Callable[[str], None]:
        def checkpoint(point: str) -> None:
            self.points.append((point, self.clock()))
            before(point)

        return checkpoint

    def statements(self, label: str) -> dict[int, tuple[datetime, float | None]]:
        """When each statement of a migration's rollback began, and how many seconds it took (None: it did not end);
        of several attempts, the last."""
        found: dict[int, tuple[datetime, float | None]] = {}
        inside = False
        for number, (point, at) in enumerate(self.points):
            if point == f"begun-{label}":
                inside = True
            elif point == f"committed-{label}":
                break
            match = STATEMENT.fullmatch(point)
            if not inside or not match:
                continue
            after = next((t for p, t in self.points[number + 1 :] if not p.startswith(("under-way", "ran-"))), None)
            found[int(match[1])] = (at, (after - at).total_seconds() if after else None)
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. result: None when nothing ran to its end. error: what went wrong. statements: as the incident
    report has them. health: checks that are worse than before. conflicts: rows that were left as they are, by table
    and reason: [{"migration", "relation", "why", "rows"}]. resumed: an interrupted run was continued."""

    begun: str
    ended: str
    result: ApplyResult | None
    error: AgentdbError | None
    statements: tuple[dict[str, Any], ...]
    health: tuple[dict[str, str], ...]
    health_problem: str
    conflicts: tuple[dict[str, Any], ...]
    resumed: bool
    began_work: bool

    @property
    def verified(self) -> bool | None:
        return self.result.verification.ok if self.result else None


def execute(request: ApplyRequest, plan: Plan) -> Outcome:
    """The approved rollback carried out. Nothing is raised that agentdb knows: it is in the outcome.

    plan: what is to be approved, for its statements. The request's approval is verified by tools/ledger/apply.py.
    """
    watch = Watch(request.clock)
    texts = {m.label: _steps(request, m) for m in plan.migrations}
    before, problem = _health(request)
    begun = request.clock()
    result: ApplyResult | None = None
    error: AgentdbError | None = None
    try:
        result = roll_back(dataclasses.replace(request, checkpoint=watch.around(request.checkpoint)))
    except VerificationError as failure:
        error, result = failure, failure.result if isinstance(failure.result, ApplyResult) else None
    except AgentdbError as failure:
        error = failure
    worked = any(p.startswith(("opened", "begun-")) for p, _ in watch.points)
    after, later = _health(request) if worked else (before, "")
    return Outcome(
        instant(begun),
        instant(request.clock()),
        result,
        error,
        tuple(_statements(watch, plan, texts)),
        tuple(_worse(before, after)),
        problem or later,
        _conflicts(request, plan, begun) if worked else (),
        request.resume,
        worked,
    )


def refused(outcome: Outcome) -> bool:
    """Whether the gate let nothing through."""
    return isinstance(outcome.error, RefusedError) and not outcome.began_work


def _steps(request: ApplyRequest, planned: PlannedMigration) -> list[str]:
    try:
        migration = plans.find(request.layout, planned.label)
        text = plans.texts_of(migration, "rollback").rollback
        return [
            s.statement.text
            for s in scripts.read(text, where=planned.label, no_transaction=not planned.transactional).steps
        ]
    except AgentdbError:
        return []


def _statements(watch: Watch, plan: Plan, texts: dict[str, list[str]]) -> list[dict[str, Any]]:
    told = []
    for planned in plan.migrations:
        times = watch.statements(planned.label)
        for number, text in enumerate(texts[planned.label]):
            began, seconds = times.get(number, (None, None))
            told.append(
                {
                    "migration": planned.label,
                    "number": number + 1,
                    "of": len(texts[planned.label]),
                    "text": " ".join(text.split()),
                    "began": began.isoformat(timespec="milliseconds").replace("+00:00", "Z") if began else "",
                    "seconds": round(seconds, 3) if seconds is not None else None,
                    "transaction": "one for the migration" if planned.transactional else "its own",
                }
            )
    return told


def _looking(request: ApplyRequest) -> Connection:
    return connect(request.dsn, options={"default_transaction_read_only": "on"})


def _health(request: ApplyRequest) -> tuple[dict[str, tuple[str, str]], str]:
    """Each check's title and status by its id, and why it is not known."""
    from ..health.report import health

    try:
        with _looking(request) as conn:
            report = health(conn, ledger_rows=history.runs(conn))
    except DatabaseError as error:
        return {}, f"the target's health is not known: {error.what}"
    return {c.id: (c.title, c.status.value) for c in report.checks}, ""


def _worse(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> list[dict[str, str]]:
    return [
        {"check": id, "title": title, "before": before[id][1], "after": status}
        for id, (title, status) in after.items()
        if id in before and WORSE[status] > WORSE[before[id][1]]
    ]


def _conflicts(request: ApplyRequest, plan: Plan, begun: datetime) -> tuple[dict[str, Any], ...]:
    """Rows that the rollback left as they are, noted since it began."""
    import psycopg

    labels: Sequence[str] = [m.label for m in plan.migrations]
    try:
        with _looking(request) as conn:
            there = conn.execute("SELECT pg_catalog.to_regclass('agentdb_archive.conflicts') IS NOT NULL").fetchone()
            if not (there and there[0]):
                return ()
            rows = conn.execute(
                "SELECT migration, relation, why, count(*) FROM agentdb_archive.conflicts"
                " WHERE migration = ANY (%s) AND noticed_at >= %s::timestamptz - interval '1 minute'"
                " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                (list(labels), begun),
            ).fetchall()
    except (psycopg.Error, DatabaseError):
        return ()
    return tuple({"migration": m, "relation": r, "why": w, "rows": n} for m, r, w, n in rows)
