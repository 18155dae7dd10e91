"""A column or table dropped in the change that copies its values elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..catalog import Copy
from ..copied import copied
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import alter, names, shown


@rule(
    id="dropping-what-was-copied",
    title="Copied and dropped in one change",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("alter_table_stmt", "drop_stmt"),
    acts=("DropColumn",),
    effect=Effect.RUNS,
    why="What the running application writes to the old column or table after the copy is lost with it, and the code that "
    "is deployed still writes there. A lock held from before the copy stops only the first.",
    fix="Ship the copy now, and drop in a later migration, once no code writes the old one.",
    setup="CREATE TABLE old_notes (id bigint PRIMARY KEY, note text); CREATE TABLE notes (id bigint PRIMARY KEY, note text);",
    bad="INSERT INTO notes SELECT id, note FROM old_notes;\n"
    "-- agentdb: ignore ban-drop-table its rows are in notes\n"
    "DROP TABLE old_notes;",
    good="INSERT INTO notes SELECT id, note FROM old_notes;",
    unfixed="Both cannot be right in one change: leave the copy here, and move the DROP to a later migration.",
    source="Manual, section 13.2.1 Read Committed Isolation Level; ALTER TABLE, DROP COLUMN.",
)
def check(step: Step) -> Iterator[Hit]:
    made = copied(step.catalog)
    if not made:
        return
    if step.node_name == "alter_table_stmt":
        for action in step.acts("DropColumn") if step.old else ():
            mine = [c for c in made if c.table == step.relation and c.column in (action.name, "*")]
            if mine and not step.table.column(action.name).new:
                drop = alter(step.relation, f"DROP COLUMN {shown(action.name)}")
                yield _hit(step, step.relation, action.name, mine, drop)
    elif object_word(step.node, "remove_type") in ("TABLE", "FOREIGN TABLE"):
        for target in step.node.objects:
            name = key(object_name(target))
            mine = [c for c in made if c.table == name]
            if mine and not step.catalog.is_new(name):
                yield _hit(step, name, "", mine, f"DROP TABLE {shown(name)};")


def _hit(step: Step, table: str, column: str, copies: list[Copy], drop: str) -> Hit:
    what = f"{shown(table)}.{shown(column)}" if column else shown(table)
    into = [n for n in dict.fromkeys(c.into for c in copies) if n != table]
    where = f"into {names(into[:3])}" if into else "into another column" if column else "elsewhere"
    held = step.transaction.held.get(table) if step.in_transaction else None
    if held is not None and all(c.lock is held for c in copies):
        lost = f"The lock on {shown(table)} lets nobody write in between, but deployed code that still uses it fails."
        severity = Severity.INFO
    else:
        lost = "What running programs write to it after the copy is lost, and deployed code that still writes it fails."
        severity = Severity.WARNING
    return Hit(
        f"This change copies {what} {where} and then drops it. {lost}",
        f"Keep the copy here, and put {drop} into a later migration, once no code uses it.",
        table,
        objects=(table, column) if column else (table,),
        severity=severity,
        lock="ACCESS EXCLUSIVE",
    )
