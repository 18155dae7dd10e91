"""Rows of the target that a statement refuses, or was feared to refuse."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="violated-precondition",
    title="Rows of the target that the statement does not accept",
    severity=Severity.ERROR,
    category=Category.TARGET,
    effect=Effect.FAILS,
    why="NOT NULL, UNIQUE, foreign keys, CHECK, new types and partitions are verified against the rows that are there. "
    "The target was asked, read-only, how many rows break what the statement asks. One is enough: the migration stops there.",
    fix="Mend those rows in an earlier migration, in batches, then run the check again.",
    bad="",
    good="",
    source="The target's rows, counted by `agentdb check --data`; see docs/preconditions.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in preconditions/findings.py, from what the target says
