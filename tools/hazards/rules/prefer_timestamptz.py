"""A timestamp without time zone."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="prefer-timestamptz",
    title="Timestamp that does not say which time zone",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddColumn", "AlterColumnType"),
    why="timestamp without time zone keeps what a clock showed, not a moment: sessions in other time zones read another moment.",
    fix="timestamptz; it takes the same space.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamp);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz);",
    source="Manual, section 8.5.1.3 Time Stamps.",
)
def check(step: Step) -> Iterator[Hit]:
    for relation, column in step.declared():
        if column.type.name == "timestamp":
            yield Hit(
                f"{shown(relation)}.{shown(column.name)} is timestamp without time zone. Sessions in other time zones read another"
                " moment from the same value.",
                f"Declare {shown(column.name)} as timestamptz.",
                relation,
                objects=(relation, column.name),
            )
