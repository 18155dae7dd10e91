"""A pending migration with a lower number than an applied one."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..numbers import next_free
from ..registry import conflict


@conflict(
    "conflict-out-of-order",
    Severity.ERROR,
    condition="A pending migration has a lower number than one that is applied (in applied/ or in the ledger).",
    effect="Databases that have the higher number run it late, new ones run it first; the schemas may differ.",
    remedy="Renumber it after the highest applied one.",
    fixable=True,
)
def out_of_order(case: Case) -> Iterator[Finding]:
    """One finding per pending migration that comes too late for its number."""
    known = {m.number: m.label for m in case.applied} | {
        int(r.version): f"{r.version}_{r.name}" for r in case.ledger if r.status == "applied"
    }
    if not known:
        return
    highest = max(known)
    for migration in case.pending:
        if migration.number < highest and migration.number not in known:
            yield finding(
                "conflict-out-of-order",
                Severity.ERROR,
                case.path(migration),
                f"{migration.label} is pending, but {known[highest]} is already applied.",
                "A database that has the higher number runs this one late, a new one runs it first: two orders.",
                f"agentdb conflicts --fix gives it a free number ({next_free(case)} or later).",
                line=1,
            )
