"""Several attempts at one thing."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..registry import conflict
from ..repeats import repeats


@conflict(
    "conflict-repeated-fix",
    Severity.WARNING,
    condition="Migrations, at least one of them pending, touch one object and have like names, or undo each other.",
    effect="Every database runs all the attempts, and the reader cannot tell which one counts.",
    remedy="Write one migration that does what the last attempt is meant to do, and take the pending attempts out.",
)
def repeated_fix(case: Case) -> Iterator[Finding]:
    """One finding per group of attempts, at the last file."""
    for found in repeats(case):
        pending = [m for m in found.members if not case.is_applied(m)]
        last = found.members[-1]
        others = listed([m.label for m in found.members[:-1]])
        undone = "undoes what" if found.reversal else "tries again what"
        verb = "does" if len(found.members) == 2 else "do"
        yield finding(
            "conflict-repeated-fix",
            Severity.WARNING,
            case.path(last),
            f"{last.label} {undone} {others} {verb}: {listed(list(found.objects))}.",
            "Every database runs all the attempts, with a lock for each, and the reader cannot tell which counts.",
            f"Merge {listed([m.label for m in pending])} into one migration that does what is meant."
            if len(pending) > 1
            else f"Check that {last.label} is the last attempt; what is applied stays as it is.",
            line=found.line,
            objects=found.objects,
        )
