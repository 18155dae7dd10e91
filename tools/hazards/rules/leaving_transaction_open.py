"""A transaction begun and never ended."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="leaving-transaction-open",
    title="Transaction begun and never committed",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("end_of_script",),
    why="When the session ends, PostgreSQL rolls back what was not committed: the migration seems to run and does nothing.",
    fix="Write COMMIT at the end, or leave BEGIN out and let the runner open the transaction.",
    bad="BEGIN;\nCREATE TABLE orders (id bigint PRIMARY KEY);",
    good="BEGIN;\nCREATE TABLE orders (id bigint PRIMARY KEY);\nCOMMIT;",
    rewritten=True,
    source="Manual, BEGIN.",
)
def check(step: Step) -> Iterator[Hit]:
    yield Hit(
        "The transaction begun here is not committed in this file. When the session ends, PostgreSQL rolls everything back.",
        "Write COMMIT; at the end of the file, or leave BEGIN out.",
    )
