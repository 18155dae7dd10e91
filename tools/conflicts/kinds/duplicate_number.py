"""Two migrations with one number."""

from __future__ import annotations

from collections.abc import Iterator

from ... import naming
from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..numbers import giving_up, next_free
from ..registry import Paired, conflict


@conflict(
    "conflict-duplicate-number",
    Severity.ERROR,
    condition="Two files have the same number: two in pending/, or one that is applied or archived.",
    effect="The order of the two is an accident, and a tool that goes by number runs one and skips the other.",
    remedy="Give the newer one the next free number. An applied file keeps its number.",
    fixable=True,
)
def duplicate_number(case: Case) -> Iterator[Finding | Paired]:
    """One finding per number, at the file that should get a new one."""
    old: dict[int, list[str]] = {}
    for path in case.archived:
        parts = naming.parse_name(path.name)
        if parts:
            old.setdefault(int(parts.version), []).append(case.path(path))
    for number, members in case.by_number().items():
        names = list(dict.fromkeys([*(case.path(m) for m in members), *old.get(number, ())]))
        labels = {m.label for m in members} | {n.rpartition("/")[2].removesuffix(".sql") for n in old.get(number, ())}
        if len(labels) < 2 or all(case.is_applied(m) for m in members):
            continue
        mover = giving_up(case, members)[-1]
        rest = [n for n in names if n != case.path(mover)]
        free = next_free(case)
        told = finding(
            "conflict-duplicate-number",
            Severity.ERROR,
            case.path(mover),
            f"Number {mover.version} is also that of {listed(rest)}.",
            "Which of them runs first is an accident, and a database that has one by that number never gets the other.",
            f"agentdb conflicts --fix gives it a free number ({free} or later) and takes its rollback along.",
            line=1,
        )
        others = [m for m in members if m is not mover]
        yield Paired(told, others[0], mover) if len(others) == 1 and not case.is_applied(others[0]) else told
