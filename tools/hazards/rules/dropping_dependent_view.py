"""View that goes with what it reads, though no statement names it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="dropping-dependent-view",
    title="View dropped along with what it reads",
    severity=Severity.ERROR,
    category=Category.QUERIES,
    effect=Effect.RUNS,
    why="CASCADE drops the views that read what is dropped, and the views that read those. The migration names none of "
    "them, and whoever queries them fails from then on.",
    fix="Drop such a view by its name, or make it anew in the same transaction without the column.",
    bad="",
    good="",
    source="The schema before and after in the sandbox; manual, DROP TABLE, ALTER TABLE, CASCADE.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
