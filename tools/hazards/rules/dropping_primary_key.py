"""A primary key dropped."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="dropping-primary-key",
    title="Primary key dropped",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("alter_table_stmt",),
    acts=("DropConstraint",),
    effect=Effect.RUNS,
    why="Without it rows may repeat, logical replication cannot identify them any more, foreign keys to the table fail to "
    "be made, and ON CONFLICT loses its target.",
    fix="Build the index of the new key CONCURRENTLY first, then drop the old key and add the new one USING INDEX in one "
    "ALTER TABLE.",
    setup="CREATE TABLE orders (id bigint CONSTRAINT orders_pkey PRIMARY KEY);",
    bad="ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    good="CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id);\n"
    "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_id;",
    unfixed="Dropping it is instant; what is lost is the guarantee, and the key that replicas go by.",
    source="Manual, section 5.5.4 Primary Keys; ALTER TABLE, REPLICA IDENTITY.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old or any(a.constraint is not None and a.constraint.kind == "primary key" for a in step.actions):
        return
    for action in step.acts("DropConstraint"):
        known = step.table.constraints.get(action.name)
        looks = known is None and action.name.lower().endswith(("_pkey", "_pk"))
        if not (looks or (known is not None and known.kind == "primary key")):
            continue
        yield Hit(
            f"Dropping primary key {shown(action.name)} lets rows of {shown(step.relation)} repeat. Logical replication,"
            " foreign keys and ON CONFLICT that rely on it stop working.",
            "Build the new key's index CONCURRENTLY first, and swap the keys in one ALTER TABLE with USING INDEX.",
            step.relation,
            objects=(step.relation, action.name),
            lock="ACCESS EXCLUSIVE",
        )
