"""An applied migration without its file."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..registry import conflict


@conflict(
    "conflict-applied-file-missing",
    Severity.ERROR,
    condition="The ledger has a migration as applied, and no file in pending/, applied/ or archived/ has its number.",
    effect="The schema cannot be rebuilt from the repository, and the migration cannot be rolled back by file.",
    remedy="Restore the file from git; the ledger's checksum tells whether it is the right one.",
)
def applied_file_missing(case: Case) -> Iterator[Finding]:
    """One finding per applied number without a file."""
    present = {m.number for m in case.migrations}
    present |= case.archived_numbers
    for row in sorted(case.ledger, key=lambda r: int(r.version)):
        if row.status == "applied" and int(row.version) not in present:
            label = f"{row.version}_{row.name}"
            yield finding(
                "conflict-applied-file-missing",
                Severity.ERROR,
                "",
                f"{label} is applied, but there is no file for it.",
                "The schema cannot be rebuilt from the files, and nobody can read what ran.",
                f"Restore it: git log --all -- '*{label}.sql'. Its sha256 must begin with {row.checksum[:12]}.",
                objects=(label,),
            )
