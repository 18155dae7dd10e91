"""One thing that this branch and another one change."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..case import Case, finding, listed
from ..meetings import created_by_both, meetings
from ..registry import Paired, conflict


@conflict(
    "conflict-branch-object",
    Severity.WARNING,
    condition="With --base: a migration here and one that the branch has added change, create or drop one thing.",
    effect="Each is right alone; together they fail, or the schema depends on which is merged first.",
    remedy="Rebase, look at the other migration, and write this one for the schema that it leaves."
    " --prove runs both orders.",
)
def branch_object(case: Case) -> Iterator[Paired]:
    """One finding per pair of migrations."""
    if case.branch is None:
        return
    here = {m.label for m in case.migrations}
    new_here = [m for m in case.pending if m.label not in case.branch.common]
    for migration in new_here:
        mine = case.touched(migration)
        for other in case.branch.new_there:
            if other.label in here:
                continue
            theirs = case.touched(other)
            both = {m.second.key: m.second for m in meetings(theirs, mine)}
            both |= {m.first.key: m.first for m in meetings(mine, theirs)}
            twice = created_by_both(theirs, mine)
            labels = [t.label for t in (*twice, *both.values())]
            if not labels:
                continue
            touch = next((t for t in mine.touches if t.label in labels), None)
            told = finding(
                "conflict-branch-object",
                Severity.ERROR if twice else Severity.WARNING,
                case.path(migration),
                f"{migration.label} and {other.label} on {case.branch.base} both"
                f" {'create' if twice else 'change'} {listed(list(dict.fromkeys(labels)))}.",
                "The one that runs second fails: it is there already."
                if twice
                else "Each is right alone; together the later one overwrites the earlier, or fails.",
                f"Rebase on {case.branch.base} and write this one for the schema that {other.label} leaves.",
                line=touch.line if touch else 1,
                objects=tuple(dict.fromkeys(labels)),
            )
            yield Paired(told, other, migration)
