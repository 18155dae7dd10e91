"""A constraint validated while the strong lock of its own ALTER TABLE is still held."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..learn_table import constraint_name
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, shown, waits

QUIET = {"ValidateConstraint", "SetStatistics", "SetOptions", "ResetOptions", "ClusterOn", "SetRelOptions"}


@rule(
    id="validating-in-same-transaction",
    title="Constraint validated under the lock that NOT VALID was meant to avoid",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("ValidateConstraint",),
    effect=Effect.SCAN,
    scales=True,
    wrapped=True,
    why="VALIDATE CONSTRAINT alone lets reads and writes go on. In the transaction that added the constraint, or in one "
    "ALTER TABLE with other actions, the stronger lock of those is held while every row is read.",
    fix="Commit after ADD CONSTRAINT ... NOT VALID, and validate in a transaction (or file) of its own.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric DEFAULT 1);",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT VALID;\n"
    "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive;",
    good="ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT VALID;",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes on VALIDATE CONSTRAINT; measured on 18: scan under ACCESS EXCLUSIVE.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("ValidateConstraint"):
        known = step.table.constraints.get(action.name)
        others = [a for a in step.actions if a.kind not in QUIET]
        added_here = any(
            a.constraint is not None and constraint_name(step.table, a.constraint) == action.name for a in others
        )
        line = step.transaction.unvalidated.get((step.relation, action.name)) if step.in_transaction else None
        if known is not None and known.validated and known.kind != "unknown" and not added_here:
            continue  # nothing is left to validate
        if others:
            foreign = all(a.constraint is not None and a.constraint.kind == "foreign key" for a in others)
            mode = "SHARE ROW EXCLUSIVE" if foreign else "ACCESS EXCLUSIVE"
            held = f"the same ALTER TABLE takes {'a' if mode[0] == 'S' else 'an'} {mode} lock"
        elif line is not None:
            kind = known.kind if known is not None else "check"
            mode = "SHARE ROW EXCLUSIVE" if kind == "foreign key" else "ACCESS EXCLUSIVE"
            held = f"this transaction holds the {mode} lock of line {line}"
        else:
            continue
        yield Hit(
            f"VALIDATE CONSTRAINT {shown(action.name)} reads every row of {shown(step.relation)} while {held}."
            f" {waits(mode, step.relation, 'the transaction ends')}",
            f"Commit first, then run in a transaction of its own: "
            f"{alter(step.relation, f'VALIDATE CONSTRAINT {shown(action.name)}')}",
            step.relation,
            lock=mode,
        )
