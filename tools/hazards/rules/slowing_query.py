"""An index that finds the rows of an application's query is gone, and no other serves it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="slowing-query",
    title="Application's query loses its index",
    severity=Severity.WARNING,
    category=Category.QUERIES,
    effect=Effect.RUNS,
    why="The query still runs, and reads the whole table each time. A small test database shows nothing of it; a large table makes it slow, and its sessions pile up.",
    fix="Keep the index until no query needs it, or create the one that takes its place first.",
    bad="",
    good="",
    source="The plans of the application's queries before and after in the sandbox; manual, EXPLAIN, GENERIC_PLAN; 19.7 enable_seqscan.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
