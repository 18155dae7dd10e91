"""Something that a migration uses and only a later one creates."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..dependencies import node, used_before_created
from ..registry import conflict
from ..touch import Touch


@conflict(
    "conflict-used-before-created",
    Severity.ERROR,
    condition="A pending migration uses what only a later file creates.",
    effect="It fails with 'does not exist' on every database.",
    remedy="Renumber it after the file that creates what it uses.",
    fixable=True,
)
def uses_before_creation(case: Case) -> Iterator[Finding]:
    """One finding per pair of files."""
    pairs: dict[tuple[str, str], list[Touch]] = {}
    known = {node(m): m for m in case.migrations}
    for user, maker, touch in used_before_created(case):
        if not case.is_applied(user):
            pairs.setdefault((node(user), node(maker)), []).append(touch)
    for (first, second), found in pairs.items():
        user, maker = known[first], known[second]
        whole = {t.key for t in found if not t.key.part}
        kept = [t for t in found if not t.key.part or t.key.whole not in whole]
        labels = tuple(dict.fromkeys(t.label for t in kept))
        yield finding(
            "conflict-used-before-created",
            Severity.ERROR,
            case.path(user),
            f"{user.label} uses {listed(labels)}, which only {maker.label} creates.",
            "It runs first and fails with 'does not exist'.",
            f"Renumber it after {maker.version}: agentdb conflicts --fix; or write '-- depends: {maker.version}' in it.",
            line=kept[0].line,
            statement=kept[0].statement,
            objects=labels,
        )
