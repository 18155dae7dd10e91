"""Statement that the sandbox could not try."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="untried-statement",
    title="Statement that the sandbox could not try",
    severity=Severity.WARNING,
    category=Category.UNKNOWN,
    effect=Effect.NONE,
    why="The sandbox refuses what would reach beyond its own database, and may lack an extension that the target has. What was not tried is not known to work.",
    fix="Give the sandbox what it lacks (sandbox.server_dsn_env names a server of your own), or try it on staging.",
    bad="",
    good="",
    source="The sandbox run.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in reconcile.py, from what the sandbox saw
