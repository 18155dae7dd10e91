"""DROP SCHEMA."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="ban-drop-schema",
    title="Schema dropped",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("drop_stmt",),
    effect=Effect.RUNS,
    why="DROP SCHEMA ... CASCADE deletes every table, view and function in it. Without CASCADE it fails as long as "
    "something is left in it.",
    fix="Drop what is in it by name, in migrations of their own, so that each loss is seen.",
    setup="CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY);",
    bad="DROP SCHEMA shop CASCADE;",
    good="CREATE SCHEMA scratch;\nDROP SCHEMA scratch;",
    unfixed="Nothing drops a schema and keeps what is in it: drop its objects by name, when nobody uses them.",
    source="Manual, DROP SCHEMA.",
)
def check(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "remove_type") != "SCHEMA":
        return
    cascade = grammar.enum_name(step.node, "behavior") == "DROP_CASCADE"
    for target in step.node.objects:
        name = object_name(target)
        if step.catalog.schemas.get(name):
            continue
        inside = sorted(t for t in step.catalog.tables if t.startswith(f"{name}.") and not step.catalog.is_new(t))
        what = "deletes every table, view and function in it" if cascade else "fails while anything is left in it"
        known = f" (known: {', '.join(shown(t) for t in inside[:5])})" if inside else ""
        yield Hit(
            f"DROP SCHEMA {shown(name)} {what}{known}. Whoever still uses one of them fails from then on.",
            "Drop the objects by name in earlier migrations, so that each loss is seen, then the empty schema.",
            objects=(name, *inside),
        )
