"""A rollback or capture script without its migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..orphans import orphans
from ..registry import conflict


@conflict(
    "conflict-orphan-rollback",
    Severity.WARNING,
    condition="A script in rollback/ has no migration of the same number and name; or a capture has no rollback script.",
    effect="When the migration is rolled back, the script is not found, or the data saved is never put back.",
    remedy="Give the script its migration's name, or delete it.",
    fixable=True,
)
def orphan_rollback(case: Case) -> Iterator[Finding]:
    """One finding per script."""
    for found in orphans(case):
        what = "capture" if found.capture else "rollback"
        if found.migration and found.without_rollback:
            title = f"{found.path.name} saves data before {found.migration.label}, but no rollback script puts it back."
            fix = f"Write rollback/{found.migration.label}.sql (agentdb rollback draft), or delete the capture."
        elif found.migration:
            title = f"{found.path.name} has no migration of that number; {found.migration.label} has its name."
            fix = f"Rename it to {found.new_name}: agentdb conflicts --fix."
        else:
            title = f"{found.path.name} has no migration."
            fix = "Restore the migration of that name, or delete the script."
        yield finding(
            "conflict-orphan-rollback",
            Severity.WARNING,
            case.path(found.path),
            title,
            f"The {what} is not found when the migration is rolled back."
            if not found.without_rollback
            else "The saved rows stay in the archive schema and nobody restores them.",
            fix,
            line=1,
        )
