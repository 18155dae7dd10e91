"""A pending migration with the bytes of another."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Migration, Severity
from ..case import Case, finding
from ..registry import conflict


@conflict(
    "conflict-copied",
    Severity.ERROR,
    condition="A pending file has the same bytes (but for line ends and trailing blanks) as another migration.",
    effect="The same statements run twice: they fail, or data changes twice.",
    remedy="Delete the copy.",
)
def copied(case: Case) -> Iterator[Finding]:
    """One finding per copy, at the later file."""
    seen: dict[str, Migration] = {}
    for migration in case.ordered:
        first = seen.setdefault(migration.sha256, migration)
        if first is migration or case.is_applied(migration):
            if first.label == migration.label and first.path != migration.path:
                yield _finding(case, migration, first)
            continue
        yield _finding(case, migration, first)


def _finding(case: Case, copy: Migration, first: Migration) -> Finding:
    applied = "the applied " if case.is_applied(first) else ""
    return finding(
        "conflict-copied",
        Severity.ERROR,
        case.path(copy),
        f"{case.path(copy)} has the same SQL as {applied}{case.path(first)}.",
        "The same statements would run twice: they fail, or they change data twice.",
        f"Delete {case.path(copy)}.",
        line=1,
    )
