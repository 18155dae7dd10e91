"""A function whose body was fine before the migration names a table or column that is no longer there."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="breaking-function",
    title="Function uses something that the migration takes away",
    severity=Severity.ERROR,
    category=Category.QUERIES,
    effect=Effect.FAILS,
    why="PostgreSQL does not track what the text of a function's body uses: DROP and RENAME go through, and the function fails when it is called next.",
    fix="Replace the function in the same migration.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
