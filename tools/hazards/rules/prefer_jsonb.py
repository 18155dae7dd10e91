"""A json column."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="prefer-jsonb",
    title="json cannot be compared",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddColumn", "AlterColumnType"),
    why="json has no equality: SELECT DISTINCT, UNION and GROUP BY over the column fail, also where an existing query reads it with SELECT *. It is parsed anew at every access.",
    fix="jsonb.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, extra json);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, extra jsonb);",
    source="Manual, section 8.14 JSON Types; SQLSTATE 42883, measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    for relation, column in step.declared():
        if column.type.name == "json":
            yield Hit(
                f"{shown(relation)}.{shown(column.name)} is json, which has no equality. SELECT DISTINCT, UNION and GROUP BY that"
                " read it fail.",
                f"Declare {shown(column.name)} as jsonb.",
                relation,
                objects=(relation, column.name),
            )
