"""ADD COLUMN of type serial on a table with rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, lock_on, shown, waits


@rule(
    id="adding-serial-column",
    title="serial column added by rewriting the table",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.REWRITE,
    scales=True,
    why="A serial column's default is nextval(), which is volatile: every row is written anew under an ACCESS EXCLUSIVE "
    "lock.",
    fix="Add a plain column, make a sequence and set it as the default, then fill the old rows in batches.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN number bigserial;",
    good="ALTER TABLE orders ADD COLUMN number bigint;\nCREATE SEQUENCE orders_number_seq OWNED BY orders.number;\n"
    "ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('orders_number_seq');",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes; section 8.1.4 Serial Types; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or not column.serial:
            continue
        name, sequence = shown(column.name), shown(f"{step.relation}_{column.name}_seq")
        yield Hit(
            f"Adding {column.serial} column {name} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and rewrites the table"
            f" to number its rows. {waits('ACCESS EXCLUSIVE', step.relation, 'every row is written')}",
            f"Use {alter(step.relation, f'ADD COLUMN {name} {column.type}')} CREATE SEQUENCE {sequence} OWNED BY"
            f" {shown(step.relation)}.{name}; set it as the default, then number old rows in batches.",
            step.relation,
            objects=(step.relation, column.name),
            lock="ACCESS EXCLUSIVE",
        )
