"""A number that another branch has given to another migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Finding, Severity
from ..case import Case, finding
from ..numbers import next_free
from ..registry import Paired, conflict


@conflict(
    "conflict-branch-number",
    Severity.ERROR,
    condition="With --base: a pending migration here has the number of another one on that branch, or its name with"
    " other SQL, or a lower number than one that the branch has added.",
    effect="git merges both without a word; after the merge two files have one number, or one runs out of order.",
    remedy="Renumber the migration here after the highest number of the other branch, before merging.",
    fixable=True,
)
def branch_number(case: Case) -> Iterator[Finding | Paired]:
    """One finding per migration that is new here."""
    if case.branch is None:
        return
    branch = case.branch
    there = {m.label: m for m in branch.theirs}
    numbers: dict[int, list[str]] = {}
    for other in branch.theirs:
        numbers.setdefault(other.number, []).append(other.label)
    newest = max(branch.new_there, key=lambda m: m.number, default=None)
    for migration in case.pending:
        if migration.label in branch.common:
            continue
        same = there.get(migration.label)
        taken = [label for label in numbers.get(migration.number, ()) if label != migration.label]
        free = next_free(case)
        fix = f"agentdb conflicts --base {branch.base} --fix gives it a free number ({free} or later)."
        if same is not None and same.sha256 != migration.sha256:
            title = f"{migration.label} was added here and on {branch.base}, with different SQL."
            why = "A merge keeps one of the two, and databases that have the other are told that they are up to date."
            fix = "Give one of them another name and number."
        elif taken:
            title = f"Number {migration.version} is that of {taken[0]} on {branch.base}."
            why = "git merges both without a word; then two files have one number and the order is an accident."
        elif same is None and newest is not None and newest.number > migration.number:
            title = f"{migration.label} has a lower number than {newest.label}, which {branch.base} has added."
            why = "Databases that have the higher number when this is merged run it out of order."
        else:
            continue
        told = finding("conflict-branch-number", Severity.ERROR, case.path(migration), title, why, fix, line=1)
        yield Paired(told, there[taken[0]], migration) if taken and same is None else told
