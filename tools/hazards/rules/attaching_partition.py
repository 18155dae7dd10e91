"""ATTACH PARTITION that has to read every row of the table."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..partitions import bound_is_proven
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="attaching-partition",
    title="Partition attached after reading all its rows",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AttachPartition",),
    effect=Effect.SCAN,
    scales=True,
    why="ATTACH PARTITION takes an ACCESS EXCLUSIVE lock on the table to be attached and reads all of it, unless a valid "
    "CHECK already says that every row fits the bounds. A DEFAULT partition is locked and read as well.",
    fix="Add a CHECK with the bounds NOT VALID, VALIDATE it, then attach, then drop the CHECK.",
    setup="CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);"
    " CREATE TABLE events_2024 (id bigint, day date NOT NULL DEFAULT '2024-02-02');",
    bad="ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    good="ALTER TABLE events_2024 ADD CONSTRAINT fits CHECK (day >= '2024-01-01' AND day < '2025-01-01') NOT VALID;\n"
    "ALTER TABLE events_2024 VALIDATE CONSTRAINT fits;\n"
    "ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    rewritten=True,
    source="Manual, ALTER TABLE, ATTACH PARTITION.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.objtype != "TABLE":
        return
    for action in step.acts("AttachPartition"):
        command = getattr(action.node, "def").partition_cmd
        child = relation_key(command.name)
        table = step.catalog.table(child)
        if not step.catalog.is_new(child) and not bound_is_proven(table, command.bound):
            yield Hit(
                f"ATTACH PARTITION takes {lock_on('ACCESS EXCLUSIVE', child)} and reads all its rows to check the bounds."
                f" Nobody can read or write {shown(child)} until the last row is read.",
                f"First add a CHECK with the bounds to {shown(child)} as NOT VALID, VALIDATE it in a later transaction,"
                " then attach and drop the CHECK.",
                child,
                objects=(step.relation, child),
                lock="ACCESS EXCLUSIVE",
            )
        default = step.table.default_partition
        if default and not step.catalog.is_new(default) and default != child:
            yield Hit(
                f"ATTACH PARTITION takes {lock_on('ACCESS EXCLUSIVE', default)}, the DEFAULT partition, and reads all its"
                f" rows. Nobody can read or write {shown(default)} meanwhile.",
                f"First add a valid CHECK to {shown(default)} that excludes the new bounds.",
                default,
                objects=(step.relation, default),
                lock="ACCESS EXCLUSIVE",
            )
