"""DETACH PARTITION without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import alter, lock_on, shown, waits


@rule(
    id="require-concurrent-detach",
    title="Partition detached under a lock that stops everybody",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("DetachPartition",),
    effect=Effect.LOCK,
    since=14,
    why="DETACH PARTITION takes an ACCESS EXCLUSIVE lock on the partitioned table, so all its partitions stand still.",
    fix="DETACH PARTITION ... CONCURRENTLY, outside of a transaction (not where there is a DEFAULT partition).",
    setup="CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);"
    " CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    bad="ALTER TABLE events DETACH PARTITION events_2024;",
    good="ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY;",
    rewritten=True,
    source="Manual, ALTER TABLE, DETACH PARTITION (CONCURRENTLY from 14 on).",
)
def check(step: Step) -> Iterator[Hit]:
    for action in step.acts("DetachPartition"):
        command = getattr(action.node, "def").partition_cmd
        child = relation_key(command.name)
        if command.concurrent or not step.old:
            continue
        why = (
            f"DETACH PARTITION takes {lock_on('ACCESS EXCLUSIVE', step.relation)}."
            f" {waits('ACCESS EXCLUSIVE', step.relation, 'the transaction ends')}"
        )
        if step.table.default_partition:
            fix = (
                f"The DEFAULT partition {shown(step.table.default_partition)} forbids CONCURRENTLY; "
                "set a short lock_timeout and try again when it strikes."
            )
        else:
            fix = "Run it outside a transaction as: " + alter(
                step.relation, f"DETACH PARTITION {shown(child)} CONCURRENTLY"
            )
        yield Hit(why, fix, step.relation, objects=(step.relation, child), lock="ACCESS EXCLUSIVE")
