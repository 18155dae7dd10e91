"""ADD COLUMN with a default that gives a new value for every row."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..volatility import volatile_call
from ..words import alter, lock_on, shown, waits


@rule(
    id="adding-volatile-default",
    title="New column's default writes every row",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.REWRITE,
    scales=True,
    why="A default that is volatile (gen_random_uuid(), clock_timestamp(), nextval()) is computed for every row: the "
    "table is rewritten under an ACCESS EXCLUSIVE lock. Constants and now() are stored once and free from 11 on; before "
    "that any default rewrites.",
    fix="Add the column without default, set the default for rows to come, then fill the old rows in batches.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();",
    good="ALTER TABLE orders ADD COLUMN placed_at timestamptz DEFAULT now();",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes (11 and newer).",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or column.default is None or column.has_null_default:
            continue
        call = volatile_call(column.default, step.catalog)
        if call is None and step.version >= 11:
            continue
        if call is None:
            reason = "before PostgreSQL 11 a default is written into every row"
        elif call.certain:
            reason = f"{call.name}() gives another value for each row"
        else:
            reason = f"{call.name}() counts as volatile unless it was declared otherwise"
        name, default = shown(column.name), grammar.printed(column.default)
        yield Hit(
            f"Adding {name} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and rewrites the table: {reason}."
            f" {waits('ACCESS EXCLUSIVE', step.relation, 'every row is written')}",
            f"Use {alter(step.relation, f'ADD COLUMN {name} {column.type}')}"
            f" {alter(step.relation, f'ALTER COLUMN {name} SET DEFAULT {default}')} then fill old rows in batches.",
            step.relation,
            objects=(step.relation, column.name),
            lock="ACCESS EXCLUSIVE",
        )
