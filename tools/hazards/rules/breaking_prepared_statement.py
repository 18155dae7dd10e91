"""A statement that sessions keep prepared returns other columns after the migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="breaking-prepared-statement",
    title="Prepared statement fails after the migration",
    severity=Severity.WARNING,
    category=Category.QUERIES,
    effect=Effect.FAILS,
    why="Drivers and poolers keep statements prepared. One whose result columns change fails with 'cached plan must not change result type' (0A000) until it is prepared anew; inside a transaction that ends the transaction.",
    fix="Name the columns in the query before the migration, or let the program prepare anew after that error.",
    bad="",
    good="",
    source="The application's queries, prepared in the sandbox on every schema of the rollout; see docs/compatibility.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in appcompat/findings.py, from what the sandbox saw
