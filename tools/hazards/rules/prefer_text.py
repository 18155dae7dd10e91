"""A varchar(n) column."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="prefer-text",
    title="Length limit that is hard to change",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddColumn", "AlterColumnType"),
    enabled=False,
    why="varchar(n) is text with a limit; making it shorter later rewrites the table, and a CHECK can be changed without.",
    fix="text, with a CHECK on the length where it matters.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(8));",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, code text CHECK (length(code) <= 8));",
    source="Manual, section 8.3 Character Types.",
)
def check(step: Step) -> Iterator[Hit]:
    for relation, column in step.declared():
        if column.type.name == "varchar" and column.type.mods:
            yield Hit(
                f"{shown(relation)}.{shown(column.name)} is {column.type}. Making the limit smaller later rewrites the table.",
                f"Declare {shown(column.name)} as text, with a CHECK on its length where that matters.",
                relation,
                objects=(relation, column.name),
            )
