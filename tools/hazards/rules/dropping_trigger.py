"""DROP TRIGGER."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="dropping-trigger",
    title="Trigger dropped",
    severity=Severity.INFO,
    category=Category.COMPATIBILITY,
    on=("drop_stmt",),
    effect=Effect.LOCK,
    why="What the trigger did for every write (copies, sums, checks) is no longer done, and nothing fails to say so. DROP "
    "TRIGGER takes an ACCESS EXCLUSIVE lock on the table, for a moment.",
    fix="Make sure that nobody relies on it; set lock_timeout before it.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TRIGGER orders_same BEFORE UPDATE ON orders FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    bad="DROP TRIGGER orders_same ON orders;",
    good="ALTER TRIGGER orders_same ON orders RENAME TO orders_unchanged;",
    unfixed="Dropping it is instant; what is lost is what the trigger did.",
    source="Manual, DROP TRIGGER.",
)
def check(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "remove_type") != "TRIGGER":
        return
    for target in step.node.objects:
        table, _, trigger = key(object_name(target)).rpartition(".")
        made_again = any(a.node_name == "create_trig_stmt" and str(a.node.trigname) == trigger for a in step.after)
        if step.catalog.is_new(table) or made_again:
            continue
        yield Hit(
            f"DROP TRIGGER {shown(trigger)} takes {lock_on('ACCESS EXCLUSIVE', table)}. What it did for every write is no"
            " longer done, and nothing fails to say so.",
            "Make sure that nobody relies on it, and set lock_timeout before it.",
            table,
            objects=(table, trigger),
            lock="ACCESS EXCLUSIVE",
        )
