"""Something that a pending migration creates though it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...records import Finding, Severity
from ..case import Case, finding, listed
from ..existence import Clash, clashes
from ..registry import conflict


@conflict(
    "conflict-created-twice",
    Severity.ERROR,
    condition="A pending migration creates a table, column, index ... that an earlier file created and none dropped.",
    effect="It fails with 'already exists'; with IF NOT EXISTS it does nothing, even where the definitions differ.",
    remedy="Keep one definition. Turn the second into an ALTER of what the first made.",
)
def created_twice(case: Case) -> Iterator[Finding]:
    """One finding per pair of files. A table created twice is told without its columns, a copied file not at all."""
    pairs: dict[tuple[Path, Path], list[Clash]] = {}
    for clash in clashes(case):
        if clash.what == "created-twice" and clash.first.sha256 != clash.second.sha256:
            pairs.setdefault((clash.first.path, clash.second.path), []).append(clash)
    for found in pairs.values():
        whole = {c.touch.key for c in found if not c.touch.key.part}
        kept = [c for c in found if not c.touch.key.part or c.touch.key.whole not in whole]
        for silent in (False, True):
            same = [c for c in kept if c.touch.tolerant == silent]
            if same:
                yield _finding(case, same, silent)


def _finding(case: Case, found: list[Clash], silent: bool) -> Finding:
    first, second, touch = found[0].first, found[0].second, found[0].touch
    labels = tuple(dict.fromkeys(c.touch.label for c in found))
    return finding(
        "conflict-created-twice",
        Severity.WARNING if silent else Severity.ERROR,
        case.path(second),
        f"{second.label} creates {listed(labels)}, which {first.label} has created.",
        "IF NOT EXISTS makes it do nothing, also where the two definitions differ."
        if silent
        else "PostgreSQL stops it with 'already exists' and the migration fails.",
        "Keep one definition, and write what is new in the second as an ALTER.",
        line=touch.line,
        statement=touch.statement,
        objects=labels,
    )
