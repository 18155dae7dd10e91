"""Two pending migrations that change one thing."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Migration, Severity
from ..case import Case, finding, listed
from ..dependencies import bare, declared_graph, needed_by, node
from ..meetings import Meeting, meetings
from ..registry import Paired, conflict
from ..repeats import repeats
from ..touch import Key


@conflict(
    "conflict-same-object",
    Severity.WARNING,
    condition="Two pending migrations change, replace or drop the same column, constraint, view, function or data.",
    effect="The later one overwrites the earlier, and in the other order the schema comes out differently.",
    remedy="Merge them into one, or write -- depends: in the later one. --prove measures whether the order matters.",
)
def same_object(case: Case) -> Iterator[Paired]:
    """One finding per pair of files. Pairs that declare their order, and repeated fixes, are not told here."""
    graph = declared_graph(case)
    told = {frozenset((str(a.path), str(b.path))) for r in repeats(case) for a, b in case.pairs(r.members)}
    for first, second in _pairs(case):
        if frozenset((str(first.path), str(second.path))) in told or node(first) in needed_by(graph, second):
            continue
        found = meetings(case.touched(first), case.touched(second))
        if found:
            yield Paired(_finding(case, first, second, found), first, second)


def _pairs(case: Case) -> Iterator[tuple[Migration, Migration]]:
    """The pending migrations, two by two, that touch one table, type or function at all."""
    earlier: dict[Key, list[Migration]] = {}
    for second in case.pending:
        places = dict.fromkeys(bare(t.key.whole) for t in case.touched(second).touches)
        near = {m.path: m for place in places for m in earlier.get(place, ())}
        yield from ((first, second) for first in near.values())
        for place in places:
            earlier.setdefault(place, []).append(second)


def _finding(case: Case, first: Migration, second: Migration, found: tuple[Meeting, ...]) -> Finding:
    labels = [m.second.label for m in found]
    dropped = [m for m in found if m.second.action == "drops"]
    if dropped:
        title = f"{second.label} drops {listed([m.second.label for m in dropped])}, which {first.label} changes."
        why = "The work of the earlier migration is thrown away, and in the other order it fails."
    else:
        title = f"{first.label} and {second.label} both change {listed(labels)}."
        why = "The later one overwrites what the earlier one did; in the other order the result is another."
    fix = f"Merge them into one migration, or write '-- depends: {first.version}' in {second.label} if it builds on it."
    return finding(
        "conflict-same-object",
        Severity.WARNING,
        case.path(second),
        title,
        why,
        fix,
        line=found[0].second.line,
        statement=found[0].second.statement,
        objects=tuple(dict.fromkeys(labels)),
    )
