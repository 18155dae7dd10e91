"""ADD COLUMN ... NOT NULL without a default."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..severity import rows_of
from ..step import Step
from ..words import alter, shown


@rule(
    id="adding-required-column",
    title="NOT NULL column added without a default",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.FAILS,
    why="A column that is NOT NULL and has no default cannot be given to rows that exist: the statement fails on any table "
    "that has one. And programs that do not know the column cannot insert any more.",
    fix="Add it with a default, or nullable: fill it in batches, and set NOT NULL later without a scan.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1);",
    bad="ALTER TABLE orders ADD COLUMN state text NOT NULL;",
    good="ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'new';",
    unfixed="What old rows should hold is not in the file: give a default, or add the column nullable, fill it, then "
    "SET NOT NULL.",
    source="Manual, ALTER TABLE, ADD COLUMN; SQLSTATE 23502.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or not column.not_null or column.identity or column.serial or column.generated:
            continue
        if column.default is not None and not column.has_null_default:
            continue
        domain = step.catalog.domains.get(column.type.name)
        if domain is not None and domain.has_default:
            continue
        rows = rows_of(step.relation, step.context)
        name = shown(column.name)
        yield Hit(
            f"Adding {name} as NOT NULL without a default fails as soon as {shown(step.relation)} has one row. Where it is"
            f" empty, programs that do not know {name} can no longer insert.",
            f"Use {alter(step.relation, f'ADD COLUMN {name} {column.type} NOT NULL DEFAULT ...')} or add it nullable, fill"
            " it in batches and set NOT NULL later.",
            step.relation,
            objects=(step.relation, column.name),
            severity=Severity.WARNING if rows == 0 else None,
        )
