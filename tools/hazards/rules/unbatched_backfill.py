"""UPDATE or DELETE of many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..severity import MEDIUM, rows_of
from ..step import Step
from ..words import shown
from ..work import picks_few
from .require_where import always_true


@rule(
    id="unbatched-backfill",
    title="Many rows changed in one statement",
    severity=Severity.INFO,
    category=Category.DATA,
    on=("update_stmt", "delete_stmt"),
    effect=Effect.RUNS,
    why="One statement over many rows keeps them all locked until it ends, fills the WAL at once and leaves as many dead "
    "rows behind.",
    fix="Go in batches by key, with a commit and a pause after each.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, state text);",
    bad="UPDATE orders SET state = 'new' WHERE state IS NULL;",
    good="UPDATE orders SET state = 'new' WHERE id = 42;",
    rewritten=True,
    source="Manual, section 24.1 Routine Vacuuming.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if not step.old or not node.HasField("where_clause") or always_true(node.where_clause) or picks_few(node):
        return
    rows = rows_of(step.relation, step.context)
    if rows is not None and rows < MEDIUM:
        return
    word = "UPDATE" if step.node_name == "update_stmt" else "DELETE"
    size = f" ({rows:,} rows on the target)" if rows is not None else ""
    yield Hit(
        f"This {word} changes its rows of {shown(step.relation)}{size} in one go. They stay locked until it ends, and as many"
        " dead rows are left to VACUUM.",
        "Go in batches: ... WHERE id BETWEEN low AND high, with a commit after each.",
        step.relation,
        severity=Severity.WARNING if rows is not None else None,
    )
