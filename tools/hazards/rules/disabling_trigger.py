"""ALTER TABLE ... DISABLE TRIGGER."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, lock_on, shown


@rule(
    id="disabling-trigger",
    title="Triggers switched off for everybody",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("alter_table_stmt",),
    acts=("DisableTrig", "DisableTrigAll", "DisableTrigUser"),
    effect=Effect.LOCK,
    why="DISABLE TRIGGER switches the trigger off for every session, not only for the migration: rows written meanwhile "
    "miss it. DISABLE TRIGGER ALL switches foreign keys off as well.",
    fix="Enable it again in the same transaction, so that nobody writes without it.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TRIGGER orders_same BEFORE UPDATE ON orders FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    bad="ALTER TABLE orders DISABLE TRIGGER orders_same;",
    good="ALTER TABLE orders ENABLE TRIGGER orders_same;",
    unfixed="Rows written meanwhile are not checked, whatever the form: enable the trigger again in the same "
    "transaction.",
    source="Manual, ALTER TABLE, DISABLE/ENABLE TRIGGER.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("DisableTrig", "DisableTrigAll", "DisableTrigUser"):
        what = f"trigger {shown(action.name)}" if action.name else "all triggers"
        keys = ", foreign keys among them" if action.kind == "DisableTrigAll" else ""
        yield Hit(
            f"DISABLE TRIGGER switches {what} of {shown(step.relation)} off for every session{keys}, and takes"
            f" {lock_on('SHARE ROW EXCLUSIVE', step.relation)}. Rows written meanwhile miss them for good.",
            f"Enable them again in the same transaction: {alter(step.relation, f'ENABLE TRIGGER {_name(action.name)}')}",
            step.relation,
            lock="SHARE ROW EXCLUSIVE",
        )


def _name(trigger: str) -> str:
    return shown(trigger) if trigger else "ALL"
