"""A migration that both branches had, edited on this one."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..registry import conflict


@conflict(
    "conflict-branch-edited",
    Severity.ERROR,
    condition="With --base: a migration that was there when the branches parted has other SQL here, or is gone.",
    effect="It may already be applied somewhere; then its checksum no longer fits and new databases differ.",
    remedy="Restore it and write the change as a new migration.",
)
def branch_edited(case: Case) -> Iterator[Finding]:
    """One finding per migration. An error when it was in applied/, else a warning: it was merged, and may have run."""
    if case.branch is None:
        return
    branch = case.branch
    here = {m.label: m for m in case.migrations}
    gone = {p.stem for p in case.archived}
    for label, sha256 in branch.common.items():
        state = branch.common_states[label]
        migration = here.get(label)
        severity = Severity.ERROR if state == "applied" else Severity.WARNING
        if migration is None and (label in gone or state == "archived"):
            continue
        if migration is None:
            yield finding(
                "conflict-branch-edited",
                severity,
                "",
                f"{label} was in {state}/ when the branches parted, and is gone or renamed here.",
                "A database that has it can no longer be matched with the files.",
                f"Restore it; git log --all -- '*{label}.sql' names the commit.",
                objects=(label,),
            )
        elif migration.sha256 != sha256:
            yield finding(
                "conflict-branch-edited",
                severity,
                case.path(migration),
                f"{label} was in {state}/ when the branches parted, and its SQL is edited here.",
                "Where it is already applied, its checksum no longer fits and new databases get something else.",
                "Restore it and write the change as a new migration.",
                line=1,
            )
