"""PRIMARY KEY USING INDEX over columns that may be NULL."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..shapes import shown
from ..step import Step
from ..words import alter, lock_on, waits


@rule(
    id="adding-primary-key-on-nullable",
    title="PRIMARY KEY USING INDEX has to verify NOT NULL",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint",),
    effect=Effect.SCAN,
    scales=True,
    why="PRIMARY KEY USING INDEX is instant only when its columns are NOT NULL already. Else it sets them NOT NULL, and "
    "reads every row under an ACCESS EXCLUSIVE lock.",
    fix="Make the columns NOT NULL first, without a scan: see setting-not-null.",
    setup="CREATE TABLE orders (number bigint DEFAULT 1); CREATE UNIQUE INDEX orders_number ON orders (number);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_number;",
    good="ALTER TABLE orders ADD CONSTRAINT orders_number_set CHECK (number IS NOT NULL) NOT VALID;\n"
    "ALTER TABLE orders VALIDATE CONSTRAINT orders_number_set;\n"
    "ALTER TABLE orders ALTER COLUMN number SET NOT NULL;\n"
    "ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_number;",
    rewritten=True,
    source="Manual, ALTER TABLE, ADD table_constraint_using_index; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddConstraint"):
        constraint = action.constraint
        if constraint is None or constraint.kind != "primary key" or not constraint.index:
            continue
        schema = step.relation.rpartition(".")[0]
        index = step.catalog.indexes.get(f"{schema}.{constraint.index}" if schema else constraint.index)
        if index is None:
            continue
        # Only columns that are known to be nullable: what was not read is not accused.
        loose = [
            c for c in index.columns if step.table.column(c).not_null is False and not step.table.proven_not_null(c)
        ]
        if not loose:
            continue
        columns = ", ".join(shown(c) for c in loose)
        yield Hit(
            f"PRIMARY KEY USING INDEX makes {columns} NOT NULL: it takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and"
            f" reads every row. {waits('ACCESS EXCLUSIVE', step.relation, 'the last row is read')}",
            "Before it, use "
            + alter(step.relation, f"ADD CHECK ({' AND '.join(f'{shown(c)} IS NOT NULL' for c in loose)}) NOT VALID")
            + " then VALIDATE CONSTRAINT and SET NOT NULL in later transactions.",
            step.relation,
            lock="ACCESS EXCLUSIVE",
        )
