"""A constraint without a name."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="require-constraint-name",
    title="Constraint that PostgreSQL names",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddConstraint",),
    enabled=False,
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);",
    why="The name that PostgreSQL chooses may differ between databases, and a later migration has to know it.",
    fix="CONSTRAINT name ...",
    bad="ALTER TABLE orders ADD CHECK (total > 0) NOT VALID;",
    good="ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT VALID;",
    source="Manual, section 5.5 Constraints.",
)
def check(step: Step) -> Iterator[Hit]:
    for action in step.acts("AddConstraint"):
        made = action.constraint
        if made is not None and not made.name and not made.index and made.kind != "primary key":
            yield Hit(
                f"This {made.kind} constraint of {shown(step.relation)} has no name. A later migration has to guess the one that"
                " PostgreSQL chooses.",
                "Write ADD CONSTRAINT name before it.",
                step.relation,
            )
