"""DROP ... CASCADE: more goes than is written."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown

ELSEWHERE = {"SCHEMA"}  # a rule of its own speaks of these


@rule(
    id="ban-drop-cascade",
    title="CASCADE drops what the migration does not name",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("drop_stmt", "alter_table_stmt", "drop_owned_stmt"),
    effect=Effect.RUNS,
    why="CASCADE also drops views, foreign keys, columns, triggers and functions that depend on the object. Which ones is "
    "seen only in a NOTICE, and the rollback has to bring back all of them.",
    fix="Drop the dependent objects by name first, and leave CASCADE out.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, number text CONSTRAINT orders_number UNIQUE);"
    " CREATE TABLE items (id bigint PRIMARY KEY, order_number text REFERENCES orders (number));",
    bad="ALTER TABLE orders DROP CONSTRAINT orders_number CASCADE;",
    good="ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_total;",
    unfixed="What else goes is not in the file: drop it by name, or leave CASCADE out.",
    source="Manual, section 5.15 Dependency Tracking.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "alter_table_stmt":
        for action in step.actions:
            if action.cascade and action.kind in ("DropColumn", "DropConstraint") and step.old:
                yield _hit(f"{shown(step.relation)}.{shown(action.name)}", (step.relation,), step.relation)
        return
    if step.node_name != "drop_stmt" or grammar.enum_name(step.node, "behavior") != "DROP_CASCADE":
        return
    word = object_word(step.node, "remove_type")
    if word in ELSEWHERE:
        return
    for target in step.node.objects:
        name = key(object_name(target))
        if step.catalog.is_new(name):
            continue
        users = sorted(
            t.name
            for t in step.catalog.tables.values()
            if name in t.reads or any(c.references == name for c in t.constraints.values())
        )
        yield _hit(f"{word.lower()} {shown(name)}", (name, *users), name if word == "TABLE" else "")


def _hit(what: str, objects: tuple[str, ...], relation: str) -> Hit:
    known = f" (known: {', '.join(shown(o) for o in objects[1:5])})" if objects[1:] else ""
    return Hit(
        f"CASCADE drops everything that depends on {what}{known}, named here or not. Whoever uses one of those fails from"
        " then on.",
        "Drop the dependent objects by name first, and leave CASCADE out.",
        relation,
        objects=objects,
    )
