"""A file in applied/ that the ledger does not know."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..registry import conflict


@conflict(
    "conflict-not-recorded",
    Severity.WARNING,
    condition="A file lies in applied/, and a ledger with rows has none for its number.",
    effect="It may have been moved by hand and never have run in this database.",
    remedy="Move it back to pending/, or look at another target: it may be applied there.",
)
def not_recorded(case: Case) -> Iterator[Finding]:
    """One finding per file; nothing when no ledger was read."""
    if not case.ledger:
        return
    for migration in case.migrations:
        if migration.state == "applied" and migration.number not in case.applied_numbers:
            yield finding(
                "conflict-not-recorded",
                Severity.WARNING,
                case.path(migration),
                f"{migration.label} lies in applied/, but this ledger has not recorded it.",
                "It may have been moved by hand and never have run here.",
                "Move it back to pending/ if it is not applied anywhere; agentdb status compares it with the catalog.",
                line=1,
            )
