"""A schema renamed while programs use its name."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_word
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="renaming-schema",
    title="Schema renamed while programs use it",
    severity=Severity.ERROR,
    category=Category.COMPATIBILITY,
    on=("rename_stmt",),
    effect=Effect.RUNS,
    why="Every name qualified with the old schema, and every search_path that names it, fails at once.",
    fix="Make the new schema beside the old one and move objects one by one, with views left under the old names.",
    setup="CREATE SCHEMA shop;",
    bad="ALTER SCHEMA shop RENAME TO store;",
    good="CREATE SCHEMA store;",
    unfixed="Under either name alone some program fails: make the new schema with views on the old tables, and switch "
    "the programs first.",
    source="Manual, ALTER SCHEMA.",
)
def check(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "rename_type") != "SCHEMA":
        return
    old, fresh = str(step.node.subname), str(step.node.newname)
    if step.catalog.schemas.get(old):
        return
    yield Hit(
        f"Renaming schema {shown(old)} to {shown(fresh)} changes the name of everything in it at once. Programs that say"
        f" {shown(old)}.something, and search paths that name it, fail from then on.",
        f"Use CREATE SCHEMA {shown(fresh)}; move objects one by one and leave views under the old names.",
        objects=(old,),
    )
