"""Rows that SQL put together at run time changed or deleted in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="measured-write",
    title="Rows changed out of sight, seen in the sandbox",
    severity=Severity.WARNING,
    category=Category.MEASURED,
    effect=Effect.RUNS,
    why="What a block or function does with SQL that it puts together cannot be read, but in the sandbox it changed or deleted rows that were there before.",
    fix="Write the statement out, so that the rows it changes can be seen, counted and kept.",
    bad="",
    good="",
    source="pg_stat_xact_all_tables of the sandbox's session.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in opaque.py, from what the sandbox saw
