"""Several ALTER TABLE statements on one table where one would do."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="merging-alter-table",
    title="ALTER TABLE that could be part of the one before",
    severity=Severity.INFO,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    enabled=False,
    why="Each ALTER TABLE waits for its lock, and each rewrite or scan is one more pass. One ALTER TABLE with several "
    "actions waits once and passes once.",
    fix="ALTER TABLE t action, action;",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN note text;\nALTER TABLE orders ADD COLUMN remark text;",
    good="ALTER TABLE orders ADD COLUMN note text, ADD COLUMN remark text;",
    unfixed="It is about the number of locks taken, not about what they block: join the statements by hand.",
    source="Manual, ALTER TABLE, Notes.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.actions or not step.old or any(a.kind == "ValidateConstraint" for a in step.actions):
        return
    line = step.transaction.last_altered.get(step.relation)
    if line is None:
        return
    yield Hit(
        f"{shown(step.relation)} was altered at line {line} already. Each ALTER TABLE waits for its own lock.",
        "Write the actions into one ALTER TABLE, separated by commas.",
        step.relation,
    )
