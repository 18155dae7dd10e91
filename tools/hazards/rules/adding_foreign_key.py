"""A foreign key that is checked against every row at once."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..learn_table import constraint_name
from ..registry import Category, Effect, Hit, rule
from ..shapes import ConstraintForm, shown
from ..step import Step
from ..words import alter, names


@rule(
    id="adding-foreign-key",
    title="Foreign key checked while writes wait on two tables",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint", "AddColumn"),
    effect=Effect.SCAN,
    scales=True,
    why="ADD FOREIGN KEY takes a SHARE ROW EXCLUSIVE lock on both tables and looks up every row: writes to both wait. "
    "A column added with REFERENCES and a default is checked in the same way; without a default it is not.",
    fix="Add the constraint NOT VALID, which checks new rows only, then VALIDATE CONSTRAINT in a transaction of its own.",
    setup="CREATE TABLE customers (id bigint PRIMARY KEY);"
    " CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);"
    " CREATE INDEX orders_customer ON orders (customer_id);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id);",
    good="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id)"
    " NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fk;",
    rewritten=True,
    source="Manual, ALTER TABLE, ADD table_constraint [NOT VALID] and Notes; measured on 18: no scan for a new column "
    "without a default.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddConstraint"):
        constraint = action.constraint
        if constraint is not None and constraint.kind == "foreign key" and constraint.scans:
            yield _hit(step, constraint)
    for action in step.acts("AddColumn"):
        column = action.column
        constraint = column.constraint("foreign key") if column is not None else None
        if column is None or constraint is None or not constraint.enforced:
            continue
        # Any default makes the server look, even DEFAULT NULL (parse_utilcmd.c, transformAlterTableStmt).
        if column.default is not None or column.serial or column.generated:
            yield _hit(step, constraint)


def _hit(step: Step, constraint: ConstraintForm) -> Hit:
    table, other = step.relation, constraint.references
    columns = ", ".join(shown(c) for c in constraint.columns)
    name = constraint_name(step.table, constraint)
    target = shown(other) + (
        f" ({', '.join(shown(c) for c in constraint.referenced)})" if constraint.referenced else ""
    )
    both = names([table, other]) if other != table else names([table])
    if step.table.partitioned and step.version < 18:
        fix = (
            "NOT VALID is not allowed on a partitioned table before PostgreSQL 18; add the constraint NOT VALID to each "
            "partition, validate it there, then add it to the parent."
        )
    else:
        fix = (
            "Use "
            + alter(table, f"ADD CONSTRAINT {shown(name)} FOREIGN KEY ({columns}) REFERENCES {target} NOT VALID")
            + " and in a later transaction "
            + alter(table, f"VALIDATE CONSTRAINT {shown(name)}")
        )
    return Hit(
        f"Adding foreign key {shown(name)} takes a SHARE ROW EXCLUSIVE lock on {both} and looks up every row of"
        f" {shown(table)}. Reads go on, but writes to {both} wait until that is done.",
        fix,
        table,
        objects=(table, other),
        lock="SHARE ROW EXCLUSIVE",
    )
