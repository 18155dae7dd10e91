"""A new partition where a DEFAULT partition holds rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="adding-partition-beside-default",
    title="New partition makes the DEFAULT partition be read",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("create_stmt",),
    effect=Effect.SCAN,
    scales=True,
    why="CREATE TABLE ... PARTITION OF a table with a DEFAULT partition locks that one ACCESS EXCLUSIVE and reads all its "
    "rows, to be sure that none belongs into the new partition.",
    fix="Add a CHECK to the DEFAULT partition that excludes the new bounds (NOT VALID, then VALIDATE), then make the "
    "partition.",
    setup="CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);"
    " CREATE TABLE events_rest PARTITION OF events DEFAULT;",
    bad="CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    good="CREATE TABLE archive (id bigint PRIMARY KEY);",
    rewritten=True,
    source="Manual, CREATE TABLE, PARTITION OF; ddl-partitioning; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    form = step.form
    if not form.parent or form.bound.is_default:
        return
    default = step.catalog.table(form.parent).default_partition
    if not default or step.catalog.is_new(default):
        return
    if any(c.kind == "check" and c.validated for c in step.catalog.table(default).constraints.values()):
        return
    yield Hit(
        f"Making partition {shown(form.name)} takes {lock_on('ACCESS EXCLUSIVE', default)}, the DEFAULT partition, and reads"
        f" all its rows. Nobody can read or write {shown(default)} until that is done.",
        f"First add a valid CHECK to {shown(default)} that excludes the new bounds.",
        default,
        objects=(form.parent, default),
        lock="ACCESS EXCLUSIVE",
    )
