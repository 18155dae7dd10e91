"""An applied file whose bytes are no longer those that ran."""

from __future__ import annotations

from collections.abc import Iterator

from ... import naming
from ...records import Finding, Severity
from ..case import Case, finding
from ..registry import conflict


@conflict(
    "conflict-edited-applied",
    Severity.ERROR,
    condition="A file's checksum differs from the one that the ledger recorded when it was applied.",
    effect="What ran is no longer in the repository: new databases get something else than production has.",
    remedy="Put the file back as it was applied, and write the change as a new migration.",
)
def edited_applied(case: Case) -> Iterator[Finding]:
    """One finding per edited file. Line endings, trailing blanks and empty lines at the end do not count."""
    recorded = {
        (int(r.version), r.name): r.checksum
        for r in case.ledger
        if r.status == "applied" and getattr(r, "checksum_version", naming.CHECKSUM_VERSION) == naming.CHECKSUM_VERSION
    }
    for migration in case.migrations:
        was = recorded.get((migration.number, migration.name))
        if was and was != migration.sha256:
            yield finding(
                "conflict-edited-applied",
                Severity.ERROR,
                case.path(migration),
                f"{migration.label} was edited after it was applied: sha256 {migration.sha256[:12]} now,"
                f" {was[:12]} in the ledger.",
                "New databases run other SQL than this one did, and its rollback was proven for the other file.",
                f"Restore it from git (git log -p -- {case.path(migration)}) and write the change as a new migration.",
                line=1,
            )
