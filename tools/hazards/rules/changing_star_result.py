"""A column added to or dropped from a table that prepared SELECT * statements read."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="changing-star-result",
    title="Prepared SELECT * statements fail once",
    severity=Severity.INFO,
    category=Category.COMPATIBILITY,
    on=("alter_table_stmt",),
    acts=("AddColumn", "DropColumn", "AlterColumnType"),
    effect=Effect.RUNS,
    enabled=False,
    why="A prepared statement whose result columns change fails with 'cached plan must not change result type'. Drivers "
    "and poolers that keep prepared SELECT * statements meet this after ADD COLUMN, DROP COLUMN and type changes.",
    fix="Name the columns in queries, or let the program prepare anew after that error.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN note text;",
    good="CREATE TABLE order_notes (order_id bigint PRIMARY KEY, note text);",
    unfixed="It is the program that must change: name the columns instead of SELECT *.",
    source="plancache.c, RevalidateCachedQuery; SQLSTATE 0A000, measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old or not any(True for _ in step.acts("AddColumn", "DropColumn", "AlterColumnType")):
        return
    yield Hit(
        f"This changes the columns of {shown(step.relation)}. Prepared SELECT * statements that sessions keep open fail"
        " with 'cached plan must not change result type'.",
        "Name the columns in queries, or let programs prepare anew after that error.",
        step.relation,
        lock="ACCESS EXCLUSIVE",
    )
