"""A pending migration that could not be compared with the others."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..registry import conflict


@conflict(
    "conflict-not-compared",
    Severity.INFO,
    condition="A pending migration holds SQL whose effects the text does not show: a syntax error, DO, CALL, EXECUTE.",
    effect="Conflicts over objects that only this SQL touches are not found.",
    remedy="Mend the syntax; or let --prove run the migrations in both orders in the sandbox.",
)
def not_compared(case: Case) -> Iterator[Finding]:
    """One finding per such file, when there is another one that it could collide with."""
    others = len(case.pending) + (len(case.branch.new_there) if case.branch else 0)
    for migration in case.pending if others > 1 else ():
        found = case.touched(migration)
        if found.broken:
            title = f"PostgreSQL's grammar does not accept {migration.label}: {found.broken}."
        elif found.opaque:
            lines = listed([str(n) for n in found.opaque])
            title = f"What {migration.label} does in line {lines} cannot be read from its text."
        else:
            continue
        yield finding(
            "conflict-not-compared",
            Severity.INFO,
            case.path(migration),
            title,
            "A conflict over an object that only this part touches is not found here.",
            "Mend the syntax." if found.broken else "agentdb conflicts --prove runs both orders in the sandbox.",
            line=found.opaque[0] if found.opaque else 1,
        )
