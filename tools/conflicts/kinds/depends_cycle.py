"""Migrations that need each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, header_line
from ..dependencies import cycle, firm_graph, node
from ..registry import conflict


@conflict(
    "conflict-depends-cycle",
    Severity.ERROR,
    condition="Dependencies, declared in headers or told by what a script uses, lead back to where they began.",
    effect="There is no order in which they can run.",
    remedy="Take the header out that is wrong, or merge the migrations into one.",
)
def depends_cycle(case: Case) -> Iterator[Finding]:
    """One finding for the first circle that is found; the next shows when it is mended."""
    graph = firm_graph(case)  # what is applied has run, whatever it needs
    circle = cycle({node(m): graph[node(m)] for m in case.pending})
    known = {node(m): m for m in case.migrations}
    members = [known[path] for path in circle]
    if not members:
        return
    start = min(range(len(members) - 1), key=lambda i: (members[i].number, members[i].name))
    turned = members[start:-1] + members[:start] + [members[start]]
    yield finding(
        "conflict-depends-cycle",
        Severity.ERROR,
        case.path(turned[0]),
        f"{' needs '.join(m.label for m in turned)}.",
        "There is no order in which they can run.",
        "Take out the '-- depends:' header that is wrong, or merge them into one migration.",
        line=header_line(turned[0], "depends"),
        objects=tuple(m.label for m in turned[:-1]),
    )
