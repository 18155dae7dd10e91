"""The server expects parameters of other types for a query of the application."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="changing-query-parameter",
    title="Application's query takes parameters of other types",
    severity=Severity.INFO,
    category=Category.QUERIES,
    effect=Effect.RUNS,
    why="Drivers that send parameters in binary form, or as the type that they learnt, may be refused or lose precision.",
    fix="Cast the parameter in the query, so that its type does not follow the column's.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
