"""A query of the application that the schema before takes is refused by a schema during or after the rollout."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="breaking-query",
    title="Application's query fails after the migration",
    severity=Severity.ERROR,
    category=Category.QUERIES,
    effect=Effect.FAILS,
    why="Old code runs against the new schema while a rollout lasts. A query that names what was dropped or renamed fails for as long as that code runs.",
    fix="Expand first: add the new thing beside the old one, move the code, and drop or rename in a later migration.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
