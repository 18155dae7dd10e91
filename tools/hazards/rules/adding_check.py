"""A CHECK constraint that is verified for every row at once."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..learn_table import constraint_name
from ..registry import Category, Effect, Hit, rule
from ..shapes import ConstraintForm, shown
from ..step import Step
from ..words import alter, lock_on, waits


@rule(
    id="adding-check",
    title="CHECK verified while nobody can read or write",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint", "AddColumn"),
    effect=Effect.SCAN,
    scales=True,
    why="ADD CONSTRAINT ... CHECK reads every row under an ACCESS EXCLUSIVE lock. So does a CHECK written at a new column.",
    fix="Add the constraint NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own: that scan lets reads and "
    "writes go on.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric DEFAULT 1);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total > 0);",
    good="ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT VALID;\n"
    "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive;",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes; NOT ENFORCED from 18 on; measured on 18: an inline CHECK on a new column scans.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddConstraint"):
        constraint = action.constraint
        if constraint is not None and constraint.kind == "check" and constraint.scans:
            yield _hit(step, constraint)
    for action in step.acts("AddColumn"):
        for constraint in action.column.constraints if action.column is not None else ():
            if constraint.kind == "check" and constraint.enforced:
                yield _hit(step, constraint)


def _hit(step: Step, constraint: ConstraintForm) -> Hit:
    name = constraint_name(step.table, constraint)
    text = grammar.printed(constraint.expression)
    text = text if len(text) < 160 else "..."
    return Hit(
        f"Adding CHECK {shown(name)} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and reads every row."
        f" {waits('ACCESS EXCLUSIVE', step.relation, 'the last row is read')}",
        "Use "
        + alter(step.relation, f"ADD CONSTRAINT {shown(name)} CHECK ({text}) NOT VALID")
        + " and in a later transaction "
        + alter(step.relation, f"VALIDATE CONSTRAINT {shown(name)}"),
        step.relation,
        lock="ACCESS EXCLUSIVE",
    )
