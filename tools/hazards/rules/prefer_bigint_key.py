"""A key of 32 or 16 bits."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="prefer-bigint-key",
    title="Key that runs out of numbers",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddColumn", "AlterColumnType"),
    why="An integer key ends at 2,147,483,647, a smallint key at 32,767. Inserts fail from then on, and the change to bigint rewrites the table and all that reference it.",
    fix="bigint.",
    bad="CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    good="CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    source="Manual, section 8.1.1 Integer Types.",
)
def check(step: Step) -> Iterator[Hit]:
    SMALL = {"int2": "32,767", "int4": "2,147,483,647"}
    keys = (
        {c.columns[0] for c in step.form.constraints if c.kind == "primary key" and len(c.columns) == 1}
        if (step.node_name == "create_stmt")
        else set()
    )
    for relation, column in step.declared():
        if column.type.name not in SMALL or column.type.dims:
            continue
        numbered = bool(column.serial) or column.identity
        if not (numbered or column.name in keys or column.constraint("primary key") is not None):
            continue
        if column.constraint("foreign key") is not None:
            continue
        yield Hit(
            f"{shown(relation)}.{shown(column.name)} is {column.type}, which ends at {SMALL[column.type.name]}. Inserts fail when"
            " it is reached, and the change to bigint rewrites the table.",
            f"Declare {shown(column.name)} as bigint.",
            relation,
            objects=(relation, column.name),
        )
