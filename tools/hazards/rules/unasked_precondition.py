"""What a statement asks of the rows, where the target was not asked or gave no answer."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="unasked-precondition",
    title="Nobody knows whether the target's rows suit the statement",
    severity=Severity.INFO,
    category=Category.TARGET,
    effect=Effect.NONE,
    why="Whether the statement works depends on rows that were not counted: an earlier statement changes them first, the "
    "condition calls code that is not the server's own, or counting would take too long.",
    fix="Run the query that the finding shows on a replica, or by yourself.",
    bad="",
    good="",
    source="`agentdb check --data`; see docs/preconditions.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in preconditions/findings.py, from what the target says
