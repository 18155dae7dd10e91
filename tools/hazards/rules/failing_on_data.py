"""Statement failed on the sandbox's made-up rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="failing-on-data",
    title="Statement failed on the sandbox's made-up rows",
    severity=Severity.WARNING,
    category=Category.MEASURED,
    effect=Effect.FAILS,
    why="The statement succeeds or fails with the rows that the table holds: NULLs, duplicates, orphans, values that do not fit. It failed on the sandbox's synthetic rows; whether the target's rows do the same is not known.",
    fix="Count the rows that would be refused on the target first, and mend them in an earlier migration.",
    bad="",
    good="",
    source="The sandbox run.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in reconcile.py, from what the sandbox saw
