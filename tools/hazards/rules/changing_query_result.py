"""A query of the application returns columns of other names or types, or another number of them."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="changing-query-result",
    title="Application's query returns other columns",
    severity=Severity.WARNING,
    category=Category.QUERIES,
    effect=Effect.RUNS,
    why="The query still runs, so nothing fails in the database; code that reads columns by place or by type may fail or go wrong.",
    fix="Name the columns in the query, and change their types by expand and contract.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
