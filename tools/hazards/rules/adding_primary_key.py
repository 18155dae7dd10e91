"""A PRIMARY KEY that builds its index under a strong lock."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..shapes import shown
from ..step import Step
from ..words import alter, lock_on, waits


@rule(
    id="adding-primary-key",
    title="PRIMARY KEY builds its index while nobody can read or write",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint", "AddColumn"),
    effect=Effect.BUILD,
    scales=True,
    why="ADD PRIMARY KEY builds a unique index under an ACCESS EXCLUSIVE lock, and reads every row when a column may "
    "be NULL.",
    fix="CREATE UNIQUE INDEX CONCURRENTLY first, make the columns NOT NULL, then ADD PRIMARY KEY USING INDEX.",
    setup="CREATE TABLE orders (id bigint NOT NULL);",
    bad="ALTER TABLE orders ADD PRIMARY KEY (id);",
    good="CREATE UNIQUE INDEX CONCURRENTLY orders_pkey ON orders (id);\n"
    "ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_pkey;",
    rewritten=True,
    source="Manual, ALTER TABLE, ADD table_constraint_using_index.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    short = step.relation.rpartition(".")[2]
    for action in step.acts("AddConstraint", "AddColumn"):
        constraint = action.constraint
        if action.column is not None:
            constraint = action.column.constraint("primary key")
        if constraint is None or constraint.kind != "primary key" or constraint.index:
            continue
        name = shown(constraint.name or f"{short}_pkey")
        columns = ", ".join(shown(c) for c in constraint.columns)
        yield Hit(
            f"Adding the primary key takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and builds an index."
            f" {waits('ACCESS EXCLUSIVE', step.relation, 'the index is built')}",
            f"Use CREATE UNIQUE INDEX CONCURRENTLY {name} ON {shown(step.relation)} ({columns}); then "
            + alter(step.relation, f"ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}"),
            step.relation,
            lock="ACCESS EXCLUSIVE",
        )
