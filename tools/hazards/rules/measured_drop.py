"""A table that SQL put together at run time dropped in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="measured-drop",
    title="Table dropped out of sight, seen in the sandbox",
    severity=Severity.ERROR,
    category=Category.MEASURED,
    effect=Effect.RUNS,
    why="What a block or function does with SQL that it puts together cannot be read, but in the sandbox a table that was there before is gone afterwards, with all its rows.",
    fix="Write the DROP out, so that it can be seen and its rows can be kept; or rename the table first and drop it in a later release.",
    bad="",
    good="",
    source="pg_class in the sandbox, before and after the statement.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in opaque.py, from what the sandbox saw
