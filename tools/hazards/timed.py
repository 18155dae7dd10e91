"""Findings with how long the lock they speak of would be held on the target.

The sandbox stands on the same floor, so what it reckoned is known by shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from ..records import Finding, Proof, Severity
from .context import Context
from .registry import Effect, by_id
from .severity import rows_of
from .shapes import key, key_of_sql
from .unforeseen import HEAVY

LONG = 30.0  # seconds, at the least, that make a warning an error


class HoldSeen(Protocol):
    """How long a lock is held on the target; see sandbox.timing.estimate.Hold."""

    @property
    def index(self) -> int: ...
    @property
    def relation(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def seconds(self) -> tuple[float, float] | None: ...
    @property
    def why(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def sentence(self) -> str: ...


class WorkSeen(Protocol):
    """How long a statement works on the target; see sandbox.timing.estimate.Work."""

    @property
    def index(self) -> int: ...
    @property
    def tables(self) -> Sequence[str]: ...
    @property
    def seconds(self) -> tuple[float, float] | None: ...
    @property
    def why(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def sentence(self) -> str: ...


def timed(
    findings: Iterable[Finding],
    holds: Sequence[HoldSeen],
    works: Sequence[WorkSeen] = (),
    context: Context = Context(),  # noqa: B008
) -> tuple[Finding, ...]:
    """The findings, those that speak of a lock or of work seen in the sandbox with its time on the target.

    A warning about a lock that is held for half a minute at the least becomes an error, unless the project says how
    severe the rule is.
    """
    return tuple(_timed(f, holds, works, context) for f in findings)


def _timed(finding: Finding, holds: Sequence[HoldSeen], works: Sequence[WorkSeen], context: Context) -> Finding:
    rule = by_id().get(finding.rule)
    if rule is None or finding.proof is not Proof.CONFIRMED or rule.effect not in (*HEAVY, Effect.LOCK):
        return finding
    objects = {key(o) for o in finding.objects}
    mine = [h for h in holds if h.index == finding.statement and key_of_sql(h.relation) in objects]
    if not mine:
        return _working(finding, works)
    hold = max(mine, key=lambda h: h.seconds[1] if h.seconds else -1.0)
    severity = finding.severity
    if (
        hold.seconds
        and hold.seconds[0] >= LONG
        and severity is Severity.WARNING
        and finding.rule not in context.severity
    ):
        severity = Severity.ERROR
    held = {
        "relation": hold.relation,
        "mode": hold.mode,
        "seconds": list(hold.seconds) if hold.seconds else None,
        "why_unknown": hold.why,
        "basis": hold.basis,
        "rows": rows_of(key_of_sql(hold.relation), context),
    }
    return replace(finding, severity=severity, why=f"{finding.why} {hold.sentence}", held=held)


def _working(finding: Finding, works: Sequence[WorkSeen]) -> Finding:
    """The finding with how long its statement works under a lock that an earlier one took."""
    work = next((w for w in works if w.index == finding.statement and w.tables), None)
    if work is None:
        return finding
    held = {
        "relation": "",
        "mode": "",
        "seconds": list(work.seconds) if work.seconds else None,
        "why_unknown": work.why,
        "basis": work.basis,
        "rows": None,
    }
    return replace(finding, why=f"{finding.why} {work.sentence}", held=held)
