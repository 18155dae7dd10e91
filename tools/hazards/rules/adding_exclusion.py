"""An EXCLUDE constraint on a table that is in use."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown, waits


@rule(
    id="adding-exclusion",
    title="Exclusion constraint builds its index while nobody can read or write",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddConstraint",),
    effect=Effect.BUILD,
    scales=True,
    why="ADD CONSTRAINT ... EXCLUDE builds an index under an ACCESS EXCLUSIVE lock. There is no concurrent way.",
    fix="Add it while the table is small or in a maintenance window; or make a new table with the constraint, copy the "
    "rows in batches and swap the names.",
    setup="CREATE TABLE bookings (id bigint PRIMARY KEY, stay daterange);",
    bad="ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (stay WITH &&);",
    good="CREATE TABLE bookings_new (id bigint PRIMARY KEY, stay daterange, EXCLUDE USING gist (stay WITH &&));",
    unfixed="An exclusion constraint cannot be made from an index that is there, nor be NOT VALID: add it while the "
    "table is small or quiet.",
    source="Manual, ALTER TABLE, ADD table_constraint: no USING INDEX form for EXCLUDE.",
)
def check(step: Step) -> Iterator[Hit]:
    for action in step.acts("AddConstraint"):
        if action.constraint is None or action.constraint.kind != "exclude" or not step.old:
            continue
        name = shown(action.constraint.name) if action.constraint.name else "the exclusion constraint"
        yield Hit(
            f"Adding {name} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and builds an index; there is no concurrent"
            f" form. {waits('ACCESS EXCLUSIVE', step.relation, 'the index is built')}",
            f"Do it in a maintenance window, or make a copy of {shown(step.relation)} that has the constraint, fill it in"
            " batches and swap the names.",
            step.relation,
            lock="ACCESS EXCLUSIVE",
        )
