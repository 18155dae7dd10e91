"""A statement that fails when it is run a second time."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ...sql.reads import relation
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="require-if-exists",
    title="Statement that cannot be run again after half a failure",
    severity=Severity.INFO,
    category=Category.HYGIENE,
    on=("create_stmt", "index_stmt", "drop_stmt", "alter_table_stmt", "create_enum_stmt", "alter_enum_stmt"),
    enabled=False,
    why="Outside of a transaction a migration may stop half way; the statements that ran fail when it is run again.",
    fix="IF NOT EXISTS or IF EXISTS; for constraints DROP CONSTRAINT IF EXISTS before ADD CONSTRAINT.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY);",
    good="CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY);",
    source="Manual, CREATE TABLE, IF NOT EXISTS.",
)
def check(step: Step) -> Iterator[Hit]:
    # Inside a transaction a failure leaves nothing behind.
    if step.in_transaction:
        return
    for what, word in _fragile(step):
        yield Hit(
            f"{what} fails when the migration is run again after stopping half way. Outside of a transaction nothing takes"
            " it back.",
            f"Write {word}.",
        )


def _fragile(step: Step) -> Iterator[tuple[str, str]]:
    node = step.node
    match step.node_name:
        case "create_stmt" if not node.if_not_exists and node.relation.relpersistence != "t":
            yield f"CREATE TABLE {shown(key(relation(node.relation)))}", "IF NOT EXISTS"
        case "index_stmt" if not node.if_not_exists and node.idxname:
            yield f"CREATE INDEX {shown(str(node.idxname))}", "IF NOT EXISTS, and drop an INVALID index first"
        case "drop_stmt" if not node.missing_ok:
            word = object_word(node, "remove_type")
            yield f"DROP {word} {shown(key(object_name(node.objects[0])))}", "IF EXISTS"
        case "alter_enum_stmt" if node.new_val and not node.old_val and not node.skip_if_new_val_exists:
            yield f"ALTER TYPE ADD VALUE '{node.new_val}'", "IF NOT EXISTS"
        case "alter_table_stmt":
            yield from _actions(step)


def _actions(step: Step) -> Iterator[tuple[str, str]]:
    dropped = {a.name for a in step.acts("DropConstraint")} | step.transaction.dropped.get(step.relation, set())
    for action in step.actions:
        if action.kind == "AddColumn" and not action.missing_ok:
            yield f"ADD COLUMN {shown(action.name)}", "ADD COLUMN IF NOT EXISTS"
        elif action.kind in ("DropColumn", "DropConstraint") and not action.missing_ok:
            yield (
                f"{'DROP COLUMN' if action.kind == 'DropColumn' else 'DROP CONSTRAINT'} {shown(action.name)}",
                "IF EXISTS",
            )
        elif action.kind == "AddConstraint" and action.constraint is not None and action.constraint.name not in dropped:
            yield f"ADD CONSTRAINT {shown(action.constraint.name)}", "DROP CONSTRAINT IF EXISTS before it"
