"""Something that a pending migration uses though it was dropped."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..existence import clashes
from ..registry import conflict


@conflict(
    "conflict-used-after-drop",
    Severity.ERROR,
    condition="A pending migration uses or changes what an earlier file dropped or renamed.",
    effect="It fails with 'does not exist'.",
    remedy="Use the new name, or put the two migrations into the other order.",
)
def used_after_drop(case: Case) -> Iterator[Finding]:
    """One finding per migration and object."""
    told = set()
    for clash in clashes(case):
        place = (clash.second.path, clash.touch.key)
        if clash.what != "used-after-drop" or place in told:
            continue
        told.add(place)
        yield finding(
            "conflict-used-after-drop",
            Severity.ERROR,
            case.path(clash.second),
            f"{clash.second.label} uses {clash.touch.label}, which {clash.first.label} drops or renames before it.",
            "PostgreSQL stops it with 'does not exist' and the migration fails.",
            f"Use the name that {clash.first.label} leaves, or let this migration run first.",
            line=clash.touch.line,
            statement=clash.touch.statement,
            objects=(clash.touch.label,),
        )
