"""An enum value renamed while programs use it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ...sql.quote import literal
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="renaming-enum-value",
    title="Enum value renamed while programs use it",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("alter_enum_stmt",),
    effect=Effect.RUNS,
    why="Rows show the new label at once: programs that compare with, or write, the old label fail.",
    fix="Add a new value, let programs understand both, move the rows in batches.",
    setup="CREATE TYPE mood AS ENUM ('sad', 'happy');",
    bad="ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';",
    good="ALTER TYPE mood ADD VALUE 'blue';",
    unfixed="A label has one name at a time: add the new value, switch the programs and the rows, leave the old one "
    "unused.",
    source="Manual, ALTER TYPE, RENAME VALUE.",
)
def check(step: Step) -> Iterator[Hit]:
    name = key(dotted(step.node.type_name))
    if not step.node.old_val or name in step.catalog.new_types:
        return
    old, fresh = literal(str(step.node.old_val)), literal(str(step.node.new_val))
    yield Hit(
        f"Renaming value {old} of {shown(name)} to {fresh} changes what every row shows. Programs that compare with or"
        f" write {old} fail from then on.",
        f"Use ALTER TYPE {shown(name)} ADD VALUE {fresh}; let programs understand both, and move the rows in batches.",
        objects=(name,),
    )
