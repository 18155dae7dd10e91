"""SQL that PostgreSQL's grammar rejects."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="syntax-error",
    title="PostgreSQL does not understand the statement",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("syntax_error",),
    effect=Effect.FAILS,
    why="The server refuses the statement with SQLSTATE 42601 before anything happens. Commands of psql (\\copy, \\connect) "
    "and of other databases are refused in the same way.",
    fix="Mend it at the line and column named.",
    bad="ALTER TABLE orders ADDD COLUMN note text;",
    good="SELECT 1;",
    source="PostgreSQL 18's own grammar.",
)
def check(step: Step) -> Iterator[Hit]:
    problem = step.node
    message = " ".join(str(problem.message).split())
    yield Hit(
        f"PostgreSQL rejects this at column {problem.column}: {message[:200]}. The migration stops here, and nothing after"
        " it runs.",
        "Mend the statement; statements around it were judged as far as they can be read alone.",
    )
