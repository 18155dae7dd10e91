"""TRUNCATE of a table that was there before."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Effect, Hit, rule
from ..severity import rows_of
from ..shapes import relation_key
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="ban-truncate",
    title="All rows of a table deleted",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("truncate_stmt",),
    effect=Effect.RUNS,
    why="TRUNCATE deletes all rows under an ACCESS EXCLUSIVE lock; with CASCADE also those of every table that references "
    "it.",
    fix="Delete by a condition and in batches, or take it out of the migration.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="TRUNCATE orders;",
    good="CREATE TEMPORARY TABLE scratch (id bigint);\nTRUNCATE scratch;",
    unfixed="TRUNCATE is the fast form: DELETE in batches keeps others working and takes longer, and the rows are gone "
    "with either.",
    source="Manual, TRUNCATE.",
)
def check(step: Step) -> Iterator[Hit]:
    cascade = grammar.enum_name(step.node, "behavior") == "DROP_CASCADE"
    for target in step.node.relations:
        name = relation_key(target.range_var)
        if step.catalog.is_new(name):
            continue
        others = sorted(
            t.name for t in step.catalog.tables.values() if any(c.references == name for c in t.constraints.values())
        )
        too = ""
        if cascade:
            too = (
                f", and those of {', '.join(shown(o) for o in others) if others else 'every table that references it'}"
            )
        rows = rows_of(name, step.context)
        yield Hit(
            f"TRUNCATE deletes all rows of {shown(name)}{too}, under {lock_on('ACCESS EXCLUSIVE', name)}."
            " Readers wait, then find nothing.",
            "Take it out of the migration, or DELETE by a condition in batches with the rows kept by a capture script.",
            name,
            objects=(name, *others) if cascade else (name,),
            severity=Severity.WARNING if rows == 0 else None,
            lock="ACCESS EXCLUSIVE",
        )
