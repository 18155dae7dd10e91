"""An index over many columns."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="ban-wide-index",
    title="Index over many columns",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("index_stmt",),
    enabled=False,
    setup="CREATE TABLE orders (a int, b int, c int, d int);",
    why="Every write pays for each column of an index; one of four columns or more is rarely used beyond its first ones.",
    fix="Fewer columns, or INCLUDE for those that are only read.",
    bad="CREATE INDEX CONCURRENTLY wide ON orders (a, b, c, d);",
    good="CREATE INDEX CONCURRENTLY narrow ON orders (a, b) INCLUDE (c, d);",
    source="Manual, section 11.3 Multicolumn Indexes.",
)
def check(step: Step) -> Iterator[Hit]:
    count = len(step.node.index_params)
    if count > 3 and not step.node.unique:
        yield Hit(
            f"Index {shown(str(step.node.idxname))} has {count} columns. Every write to {shown(step.relation)} pays for each, and"
            " the last ones are rarely used.",
            "Use fewer columns, or INCLUDE for those that are only read.",
            step.relation,
        )
