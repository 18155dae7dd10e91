"""A declared dependency that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from ... import naming
from ...records import Finding, Severity
from ..case import Case, finding, header_line
from ..dependencies import declared, meant
from ..registry import conflict


@conflict(
    "conflict-depends-missing",
    Severity.ERROR,
    condition="A -- depends: header names a migration that no file, archived file or ledger row is, or more than one.",
    effect="Nobody can tell whether what it needs is there when it runs.",
    remedy="Name an existing migration by number or by NNN_name, or take the header out.",
)
def depends_missing(case: Case) -> Iterator[Finding]:
    """One finding per value of the header."""
    for migration in case.pending:
        for found in declared(migration, case.migrations):
            line = header_line(migration, "depends", found.text)
            if not found.targets and not _is_history(case, found.text):
                yield finding(
                    "conflict-depends-missing",
                    Severity.ERROR,
                    case.path(migration),
                    f"{migration.label} depends on {found.text}, and there is no such migration.",
                    "Nobody can tell whether what it needs is there when it runs.",
                    "Name an existing one by its number or NNN_name, or take the header out.",
                    line=line,
                )
            elif len(meant(case, migration, found)) > 1:
                labels = " or ".join(m.label for m in found.targets)
                yield finding(
                    "conflict-depends-missing",
                    Severity.WARNING,
                    case.path(migration),
                    f"{migration.label} depends on {found.text}, which may be {labels}.",
                    "When one of them gets a new number, the header may name the wrong one.",
                    f"Write the full name: -- depends: {found.targets[0].label}.",
                    line=line,
                )


def _is_history(case: Case, text: str) -> bool:
    """Whether the header names an archived file, or a migration that the ledger has as applied."""
    text = text.removesuffix(".sql")
    for path in case.archived:
        parts = naming.parse_name(path.name)
        if parts and (text in (path.stem, parts.name) or (text.isdecimal() and int(text) == int(parts.version))):
            return True
    return any(
        r.status == "applied"
        and (text in (f"{r.version}_{r.name}", r.name) or text.isdecimal() and int(text) == int(r.version))
        for r in case.ledger
    )
