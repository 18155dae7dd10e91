"""A declared dependency that runs later."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, header_line
from ..dependencies import declared, meant
from ..registry import conflict


@conflict(
    "conflict-depends-order",
    Severity.ERROR,
    condition="A -- depends: header names a migration with a higher number, or the file itself.",
    effect="It runs before what it needs.",
    remedy="Renumber the dependant after what it needs.",
    fixable=True,
)
def depends_order(case: Case) -> Iterator[Finding]:
    """One finding per value of the header."""
    place = {m.path: i for i, m in enumerate(case.ordered)}
    for migration in case.pending:
        for found in declared(migration, case.migrations):
            line = header_line(migration, "depends", found.text)
            targets = meant(case, migration, found)
            for other in targets if len(targets) == 1 else ():
                if other.path == migration.path:
                    yield finding(
                        "conflict-depends-order",
                        Severity.ERROR,
                        case.path(migration),
                        f"{migration.label} depends on itself.",
                        "The header says nothing, and what was meant is not known.",
                        "Name the migration that it needs, or take the header out.",
                        line=line,
                    )
                elif place[other.path] > place[migration.path]:
                    yield finding(
                        "conflict-depends-order",
                        Severity.ERROR,
                        case.path(migration),
                        f"{migration.label} depends on {other.label}, which runs after it.",
                        "It runs before what it needs.",
                        f"Renumber it after {other.version}: agentdb conflicts --fix.",
                        line=line,
                    )
