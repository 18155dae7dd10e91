"""One number, two names: in the ledger, or between ledger and files."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..registry import conflict


@conflict(
    "conflict-renamed-applied",
    Severity.ERROR,
    condition="The ledger has a number as applied under another name than the file's, or under two names.",
    effect="A tool that goes by number takes the file for applied, though other SQL may have run.",
    remedy="Give an applied file its recorded name back; give a new migration a new number.",
    fixable=True,
)
def renamed_applied(case: Case) -> Iterator[Finding]:
    """One finding per number."""
    recorded: dict[int, dict[str, str]] = {}
    for row in case.ledger:
        if row.status == "applied":
            recorded.setdefault(int(row.version), {})[row.name] = row.checksum
    files = case.by_number()
    for number, names in sorted(recorded.items()):
        if len(names) > 1:
            yield finding(
                "conflict-renamed-applied",
                Severity.ERROR,
                "",
                f"The ledger has number {number} as applied under {len(names)} names: {listed(sorted(names))}.",
                "Two different migrations ran under one number in this database.",
                "Compare their checksums with the files, and keep a record of which one each database has.",
                objects=tuple(sorted(names)),
            )
        for migration in files.get(number, ()):
            if migration.name in names or any(m.name in names for m in files[number]):
                continue
            (name, checksum), *_ = names.items()
            same = checksum == migration.sha256
            yield finding(
                "conflict-renamed-applied",
                Severity.ERROR,
                case.path(migration),
                f"{migration.version} is applied under the name {name}, not {migration.name};"
                f" {'the SQL is the same' if same else 'the SQL differs'}.",
                "The number counts as applied, so this file "
                + ("is known under two names." if same else "would never run in that database."),
                f"Rename it back to {migration.version}_{name}.sql: agentdb conflicts --fix."
                if same
                else "Give this file a new number: agentdb conflicts --fix; and restore the one that ran.",
                line=1,
            )
