"""SET NOT NULL that has to read every row."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, lock_on, shown, waits


@rule(
    id="setting-not-null",
    title="NOT NULL verified while nobody can read or write",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("SetNotNull", "AddConstraint"),
    effect=Effect.SCAN,
    scales=True,
    why="SET NOT NULL reads every row under an ACCESS EXCLUSIVE lock, and fails where it meets a NULL. From 12 on a valid "
    "CHECK (column IS NOT NULL) spares the scan.",
    fix="Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in a later transaction, then SET NOT NULL and drop the "
    "CHECK. From 18 on: ADD CONSTRAINT ... NOT NULL column NOT VALID, then VALIDATE CONSTRAINT.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text DEFAULT 'x');",
    bad="ALTER TABLE orders ALTER COLUMN customer SET NOT NULL;",
    good="ALTER TABLE orders ADD CONSTRAINT orders_customer_set CHECK (customer IS NOT NULL) NOT VALID;\n"
    "ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_set;\n"
    "ALTER TABLE orders ALTER COLUMN customer SET NOT NULL;\n"
    "ALTER TABLE orders DROP CONSTRAINT orders_customer_set;",
    rewritten=True,
    source="Manual, ALTER TABLE, SET NOT NULL; ADD CONSTRAINT ... NOT NULL ... NOT VALID from 18 on.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("SetNotNull"):
        if not _spared(step, action.name):
            yield _hit(step, action.name, f"{step.table.name.rpartition('.')[2]}_{action.name}_not_null")
    for action in step.acts("AddConstraint"):
        constraint = action.constraint
        if constraint is None or constraint.kind != "not null" or not constraint.validated:
            continue
        for column in constraint.columns:
            if not _spared(step, column):
                short = step.table.name.rpartition(".")[2]
                yield _hit(step, column, constraint.name or f"{short}_{column}_not_null")


def _spared(step: Step, column: str) -> bool:
    """Whether the server is known not to read the table."""
    table = step.table
    if table.column(column).not_null:
        return True
    if step.version < 12:
        return False
    # A constraint that was validated here but added elsewhere is taken for the CHECK that the recipe asks for.
    return table.proven_not_null(column) or any(c.kind == "unknown" for c in table.constraints.values())


def _hit(step: Step, column: str, name: str) -> Hit:
    where = shown(column)
    if step.version >= 18:
        first = alter(step.relation, f"ADD CONSTRAINT {shown(name)} NOT NULL {where} NOT VALID")
        last = ""
    else:
        first = alter(step.relation, f"ADD CONSTRAINT {shown(name)} CHECK ({where} IS NOT NULL) NOT VALID")
        last = f" then {alter(step.relation, f'ALTER COLUMN {where} SET NOT NULL')}"
    return Hit(
        f"Making {where} NOT NULL takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and reads every row."
        f" {waits('ACCESS EXCLUSIVE', step.relation, 'the last row is read')}",
        f"Use {first} in a later transaction {alter(step.relation, f'VALIDATE CONSTRAINT {shown(name)}')}{last}",
        step.relation,
        objects=(step.relation, column),
        lock="ACCESS EXCLUSIVE",
    )
