"""A UNIQUE constraint that builds its index under a strong lock."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..learn_table import constraint_name
from ..registry import Category, Effect, Hit, rule
from ..shapes import ColumnForm, ConstraintForm, shown
from ..step import Step
from ..volatility import volatile_call
from ..words import alter, lock_on, waits


@rule(
    id="adding-unique",
    title="UNIQUE constraint builds its index while nobody can read or write",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint", "AddColumn"),
    effect=Effect.BUILD,
    scales=True,
    why="ADD CONSTRAINT ... UNIQUE builds an index under an ACCESS EXCLUSIVE lock, and fails where values repeat.",
    fix="CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... UNIQUE USING INDEX, which is instant.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, number text);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE (number);",
    good="CREATE UNIQUE INDEX CONCURRENTLY orders_number_key ON orders (number);\n"
    "ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE USING INDEX orders_number_key;",
    rewritten=True,
    source="Manual, ALTER TABLE, ADD table_constraint_using_index.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddConstraint"):
        constraint = action.constraint
        if constraint is not None and constraint.kind == "unique" and not constraint.index:
            yield _hit(step, constraint)
    for action in step.acts("AddColumn"):
        constraint = action.column.constraint("unique") if action.column is not None else None
        if constraint is not None and not gives_one_value(step, action.column):
            yield _hit(step, constraint)


def gives_one_value(step: Step, column: ColumnForm | None) -> bool:
    """Whether a new column's default is the same for every row, so that being unique fails outright."""
    if column is None or column.default is None or column.has_null_default:
        return False
    return volatile_call(column.default, step.catalog) is None


def _hit(step: Step, constraint: ConstraintForm) -> Hit:
    name = shown(constraint_name(step.table, constraint))
    columns = ", ".join(shown(c) for c in constraint.columns)
    if step.table.partitioned:
        fix = (
            f"Use CREATE UNIQUE INDEX ... ON ONLY {shown(step.relation)}, build each partition's index CONCURRENTLY and "
            "attach it with ALTER INDEX ... ATTACH PARTITION."
        )
    else:
        fix = f"Use CREATE UNIQUE INDEX CONCURRENTLY {name} ON {shown(step.relation)} ({columns}); then " + alter(
            step.relation, f"ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
        )
    return Hit(
        f"Adding UNIQUE {name} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and builds an index."
        f" {waits('ACCESS EXCLUSIVE', step.relation, 'the index is built')}",
        fix,
        step.relation,
        lock="ACCESS EXCLUSIVE",
    )
