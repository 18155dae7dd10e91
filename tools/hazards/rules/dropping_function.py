"""DROP FUNCTION or DROP PROCEDURE."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted, object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="dropping-function",
    title="Function dropped",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("drop_stmt",),
    effect=Effect.RUNS,
    why="Programs that call the function fail from then on, and so do functions that call it: those are not tracked.",
    fix="Drop it in a later release than its last caller; to change it, use CREATE OR REPLACE FUNCTION.",
    setup="CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1';",
    bad="DROP FUNCTION one();",
    good="CREATE OR REPLACE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1';",
    unfixed="Its callers must change first.",
    source="Manual, DROP FUNCTION; section 5.15 Dependency Tracking.",
)
def check(step: Step) -> Iterator[Hit]:
    word = object_word(step.node, "remove_type")
    if word not in ("FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"):
        return
    made_again = {key(dotted(a.node.funcname)) for a in step.after if a.node_name == "create_function_stmt"}
    for target in step.node.objects:
        name = key(object_name(target))
        known = step.catalog.functions.get(name)
        if (known is not None and known.new) or (name in made_again and step.in_transaction):
            continue
        yield Hit(
            f"DROP {word} removes {shown(name)}. Programs and functions that call it fail from then on.",
            "Drop it in a later release than its last caller; to change it, use CREATE OR REPLACE.",
            objects=(name,),
        )
