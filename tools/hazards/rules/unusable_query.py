"""A query of the application is refused by every schema of the rollout, or is not one that can be prepared."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="unusable-query",
    title="Query that could not be looked at",
    severity=Severity.INFO,
    category=Category.QUERIES,
    effect=Effect.NONE,
    why="Nothing can be said of it. It may use placeholders of a driver (:name, %s), objects that the sandbox lacks, or be of no use any more.",
    fix="Write placeholders as $1, $2, or take the file out of the folder.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
