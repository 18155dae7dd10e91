"""Something that a pending migration drops though it is gone."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..existence import clashes
from ..registry import conflict


@conflict(
    "conflict-dropped-twice",
    Severity.ERROR,
    condition="A pending migration drops, without IF EXISTS, what an earlier file dropped or renamed.",
    effect="It fails with 'does not exist'.",
    remedy="Take the second DROP out.",
)
def dropped_twice(case: Case) -> Iterator[Finding]:
    """One finding per object."""
    for clash in clashes(case):
        if clash.what == "dropped-twice":
            yield finding(
                "conflict-dropped-twice",
                Severity.ERROR,
                case.path(clash.second),
                f"{clash.second.label} drops {clash.touch.label}, which {clash.first.label} has dropped or renamed.",
                "PostgreSQL stops it with 'does not exist' and the migration fails.",
                "Take the second DROP out, or merge the two migrations.",
                line=clash.touch.line,
                statement=clash.touch.statement,
                objects=(clash.touch.label,),
            )
