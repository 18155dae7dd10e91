"""No statement_timeout."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="require-statement-timeout",
    title="Statement that may run without end",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("alter_table_stmt", "index_stmt", "update_stmt", "delete_stmt"),
    enabled=False,
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    why="A statement that takes longer than planned holds its locks until somebody notices.",
    fix="SET statement_timeout before the first such statement.",
    bad="ALTER TABLE orders ADD COLUMN note text;",
    good="SET statement_timeout = '5min';\nALTER TABLE orders ADD COLUMN note text;",
    source="Manual, section 19.11 statement_timeout.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.transaction.statement_timeout or not step.old:
        return
    step.transaction.statement_timeout = True  # said once
    yield Hit(
        f"Nothing limits how long this may run on {shown(step.relation)}. Its locks are held as long.",
        "Write SET statement_timeout = '5min'; before it.",
        step.relation,
    )
