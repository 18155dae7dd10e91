"""ADD COLUMN ... GENERATED ALWAYS AS (...) STORED on a table with rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, lock_on, shown, waits


@rule(
    id="adding-stored-column",
    title="Stored generated column added by rewriting the table",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.REWRITE,
    scales=True,
    why="A STORED generated column is computed for every row: the table is written anew under an ACCESS EXCLUSIVE lock. "
    "A VIRTUAL one (18 and newer) is free.",
    fix="From 18 on use VIRTUAL. Else add a plain column, fill it by a trigger and in batches.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, price numeric DEFAULT 1);",
    bad="ALTER TABLE orders ADD COLUMN gross numeric GENERATED ALWAYS AS (price * 1.19) STORED;",
    good="ALTER TABLE orders ADD COLUMN gross numeric GENERATED ALWAYS AS (price * 1.19) VIRTUAL;",
    unfixed="A stored generated column cannot be filled later: from 18 on a VIRTUAL one costs nothing, before that use "
    "a plain column with a trigger.",
    source="Manual, CREATE TABLE, GENERATED ALWAYS AS; ALTER TABLE, Notes; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or column.generated != "stored":
            continue
        name, text = shown(column.name), grammar.printed(column.expression)
        if step.version >= 18:
            better = f"ADD COLUMN {name} {column.type} GENERATED ALWAYS AS ({text}) VIRTUAL"
            fix = f"Use {alter(step.relation, better)}"
        else:
            fix = (
                f"Use {alter(step.relation, f'ADD COLUMN {name} {column.type}')} keep it filled with a trigger and fill old"
                " rows in batches."
            )
        yield Hit(
            f"Adding stored column {name} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and rewrites the table to"
            f" compute it. {waits('ACCESS EXCLUSIVE', step.relation, 'every row is written')}",
            fix,
            step.relation,
            objects=(step.relation, column.name),
            lock="ACCESS EXCLUSIVE",
        )
