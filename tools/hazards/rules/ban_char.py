"""A char(n) column."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="ban-char",
    title="char(n) pads with blanks",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddColumn", "AlterColumnType"),
    why="char(n) pads every value with blanks, ignores them when it compares, and saves nothing. char without a length holds one character.",
    fix="text, with a CHECK on the length where it matters.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY, code char(8));",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, code text CHECK (length(code) = 8));",
    source="Manual, section 8.3 Character Types.",
)
def check(step: Step) -> Iterator[Hit]:
    for relation, column in step.declared():
        if column.type.name == "bpchar":
            yield Hit(
                f"{shown(relation)}.{shown(column.name)} is {column.type}, which pads values with blanks and ignores them when it"
                " compares. Programs get the blanks back.",
                f"Declare {shown(column.name)} as text, with a CHECK on its length where that matters.",
                relation,
                objects=(relation, column.name),
            )
