"""CREATE TRIGGER on a table that is in use."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="adding-trigger",
    title="Trigger added while writes wait",
    severity=Severity.INFO,
    category=Category.LOCKS,
    on=("create_trig_stmt",),
    effect=Effect.LOCK,
    why="CREATE TRIGGER takes a SHARE ROW EXCLUSIVE lock: short, but it waits behind running writes, and later writes wait "
    "behind it. From then on every write pays for the trigger.",
    fix="Set a short lock_timeout and try again when it strikes.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="CREATE TRIGGER orders_same BEFORE UPDATE ON orders FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    good="CREATE TABLE drafts (id bigint PRIMARY KEY);\nCREATE TRIGGER drafts_same BEFORE UPDATE ON drafts FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    unfixed="CREATE TRIGGER has one form only; its lock is held for a moment, with a lock_timeout it does no harm.",
    source="Manual, CREATE TRIGGER; chapter 13.3, SHARE ROW EXCLUSIVE.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    yield Hit(
        f"CREATE TRIGGER {shown(str(step.node.trigname))} takes {lock_on('SHARE ROW EXCLUSIVE', step.relation)}."
        f" It waits for running writes, and writes to {shown(step.relation)} that come later wait for it.",
        "Set lock_timeout to a few seconds before it, and try again when it strikes.",
        step.relation,
        lock="SHARE ROW EXCLUSIVE",
    )
