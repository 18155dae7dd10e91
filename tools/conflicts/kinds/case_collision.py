"""File names that differ only in upper and lower case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..registry import conflict


@conflict(
    "conflict-case-collision",
    Severity.ERROR,
    condition="Two migrations, or two scripts in rollback/, have names that differ only in case.",
    effect="On Windows and macOS one file overwrites the other at checkout.",
    remedy="Rename one of them.",
    fixable=True,
)
def case_collision(case: Case) -> Iterator[Finding]:
    """One finding per group of names. pending/, applied/ and archived/ are one: files move between them."""
    carried = [m.path for m in case.ordered] + list(case.archived)
    for paths in (carried, list(case.rollbacks)):
        groups: dict[str, list[Path]] = {}
        for path in paths:
            groups.setdefault(path.name.casefold(), []).append(path)
        for members in groups.values():
            spellings = sorted({p.name for p in members})
            if len(spellings) > 1:
                yield finding(
                    "conflict-case-collision",
                    Severity.ERROR,
                    case.path(members[-1]),
                    f"{listed(spellings)} differ only in upper and lower case.",
                    "On Windows and macOS one of them overwrites the other at checkout.",
                    "Rename one of them; agentdb conflicts --fix renumbers a pending one.",
                    line=1,
                )
