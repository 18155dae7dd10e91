"""A new UNIQUE column whose default is the same for every row."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, shown
from .adding_unique import gives_one_value


@rule(
    id="adding-unique-column-with-default",
    title="UNIQUE column added with one value for all rows",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.FAILS,
    why="A constant default gives every existing row the same value, so a UNIQUE column fails on any table with two rows.",
    fix="Add the column nullable and without default, fill it with values that differ, then make it unique.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1), (2);",
    bad="ALTER TABLE orders ADD COLUMN number text DEFAULT 'none' UNIQUE;",
    good="ALTER TABLE orders ADD COLUMN number text;",
    unfixed="One value for all rows cannot be unique: add the column without the default, fill it with different "
    "values, then add UNIQUE.",
    source="SQLSTATE 23505, measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or not gives_one_value(step, column):
            continue
        if column.constraint("unique") is None and column.constraint("primary key") is None:
            continue
        name = shown(column.name)
        yield Hit(
            f"Adding unique column {name} with one default gives every row of {shown(step.relation)} the same value. The"
            " statement fails as soon as there are two rows.",
            f"Use {alter(step.relation, f'ADD COLUMN {name} {column.type}')} fill it with values that differ, then make it"
            " unique with CREATE UNIQUE INDEX CONCURRENTLY.",
            step.relation,
            objects=(step.relation, column.name),
        )
