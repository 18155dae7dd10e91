"""DROP TABLE of a table that was there before."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..severity import rows_of
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="ban-drop-table",
    title="Table dropped with its rows",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("drop_stmt",),
    effect=Effect.RUNS,
    why="DROP TABLE deletes the rows for good, and every query that still names the table fails at once.",
    fix="Rename it out of the way first, watch whether anybody misses it, keep a copy of the rows, drop it in a later "
    "release.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="DROP TABLE orders;",
    good="CREATE TABLE scratch (id bigint PRIMARY KEY);\nDROP TABLE scratch;",
    unfixed="Nothing drops a table and keeps its rows: rename it first and drop it later, when nobody missed it.",
    source="Manual, DROP TABLE.",
)
def check(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "remove_type") not in ("TABLE", "FOREIGN TABLE"):
        return
    for target in step.node.objects:
        name = key(object_name(target))
        if step.catalog.is_new(name):
            continue
        rows = rows_of(name, step.context)
        count = "" if rows is None else f" ({rows:,} rows on the target)"
        yield Hit(
            f"DROP TABLE deletes {shown(name)} and all its rows{count}. Queries that still name it fail from then on.",
            f"Rename it first (ALTER TABLE {shown(name)} RENAME TO {shown(name.rpartition('.')[2] + '_old')};), and drop it"
            " in a later release, with its rows kept by the rollback's capture script.",
            name,
            severity=Severity.WARNING if rows == 0 else None,
            lock="ACCESS EXCLUSIVE",
        )
