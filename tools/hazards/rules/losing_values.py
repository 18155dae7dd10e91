"""Rows and values of the target that a statement takes away or cuts."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="losing-values",
    title="Values of the target that the statement drops or cuts",
    severity=Severity.INFO,
    category=Category.TARGET,
    effect=Effect.RUNS,
    why="DROP and TRUNCATE take rows away, a shorter type that USING casts to cuts values, and a number type of fewer places "
    "rounds them. Nothing fails. The target was asked, read-only, how many rows that concerns.",
    fix="Look whether that is meant, and keep what may be needed again.",
    bad="",
    good="",
    source="The target's rows, counted by `agentdb check --data`; see docs/preconditions.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in preconditions/findings.py, from what the target says
