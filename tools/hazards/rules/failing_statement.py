"""A statement that failed in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="failing-statement",
    title="Statement failed in the sandbox",
    severity=Severity.ERROR,
    category=Category.MEASURED,
    effect=Effect.FAILS,
    why="The server refused the statement in the sandbox, on the schema that the migration finds.",
    fix="Mend what the server names.",
    bad="",
    good="",
    source="The sandbox run.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in reconcile.py, from what the sandbox saw
