"""Work that no rule foresaw, seen in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="measured-index-build",
    title="Index built, seen in the sandbox",
    severity=Severity.ERROR,
    category=Category.MEASURED,
    effect=Effect.BUILD,
    scales=True,
    why="No rule foresaw it, but the server built an index on existing rows under a lock that stops others.",
    fix="Look for a form of the statement that does less at once, or run it in a maintenance window.",
    bad="",
    good="",
    source="The server's own messages (client_min_messages = debug1), pg_locks and relfilenodes in the sandbox.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in reconcile.py, from what the sandbox saw
