"""A foreign key dropped."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="dropping-foreign-key",
    title="Foreign key dropped",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("alter_table_stmt",),
    acts=("DropConstraint",),
    effect=Effect.RUNS,
    why="From then on rows may point to nothing, and putting the constraint back fails at the first one that does.",
    fix="Drop it only with the relation itself; to change it, add the new constraint NOT VALID before the old one goes.",
    setup="CREATE TABLE customers (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint"
    " CONSTRAINT orders_customer_fk REFERENCES customers);",
    bad="ALTER TABLE orders DROP CONSTRAINT orders_customer_fk;",
    good="ALTER TABLE orders ALTER COLUMN customer_id DROP DEFAULT;",
    unfixed="Dropping it is instant; what is lost is the guarantee.",
    source="Manual, section 5.5.5 Foreign Keys.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    added = {a.constraint.name for a in step.actions if a.constraint is not None}
    for action in step.acts("DropConstraint"):
        known = step.table.constraints.get(action.name)
        name = action.name.lower()
        looks = known is None and (name.endswith(("_fkey", "_fk")) or name.startswith(("fk_", "fk")))
        if action.name in added or not (looks or (known is not None and known.kind == "foreign key")):
            continue
        yield Hit(
            f"Dropping foreign key {shown(action.name)} lets rows of {shown(step.relation)} point to nothing. Putting it"
            " back fails at the first row that does.",
            "Keep it, or add the constraint that replaces it NOT VALID before this one goes.",
            step.relation,
            objects=(step.relation, action.name),
            lock="ACCESS EXCLUSIVE",
        )
