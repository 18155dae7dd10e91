"""After the migration a column is NOT NULL and has no default, and an INSERT of the application does not name it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="failing-insert",
    title="Application's INSERT leaves out a column that needs a value",
    severity=Severity.ERROR,
    category=Category.QUERIES,
    effect=Effect.FAILS,
    why="The INSERT can still be prepared and fails when it runs. Old code meets this for as long as it runs.",
    fix="Give the column a default at least while old code runs; drop the default in a later migration.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
