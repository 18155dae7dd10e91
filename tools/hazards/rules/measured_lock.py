"""A strong lock that SQL put together at run time took in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="measured-lock",
    title="Strong lock taken out of sight, seen in the sandbox",
    severity=Severity.WARNING,
    category=Category.MEASURED,
    effect=Effect.LOCK,
    scales=True,
    why="What a block or function does with SQL that it puts together cannot be read, but in the sandbox it took a lock that keeps writers or readers of a table waiting until its transaction ends.",
    fix="Write the statement out, so that it can be judged; and SET lock_timeout before it.",
    bad="",
    good="",
    source="pg_locks in the sandbox.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in opaque.py, from what the sandbox saw
