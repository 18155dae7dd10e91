"""A query of the application is refused by the schema before the migration and taken by the one after it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="needing-new-schema",
    title="Query needs the schema after the migration",
    severity=Severity.INFO,
    category=Category.QUERIES,
    effect=Effect.NONE,
    why="This is new code: it fails against the old schema, before the migration, and again when the migration is rolled back.",
    fix="Deploy that code after the migration, and take it back before a rollback.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
