"""ADD VALUE without a place in the order."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ...sql.quote import literal
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="ordering-enum-value",
    title="Enum value added at the end of the order",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("alter_enum_stmt",),
    enabled=False,
    why="Enum values sort in the order in which they were made, and neither the order nor the value can be taken back.",
    fix="Say BEFORE or AFTER.",
    setup="CREATE TYPE mood AS ENUM ('sad', 'happy');",
    bad="ALTER TYPE mood ADD VALUE 'so-so';",
    good="ALTER TYPE mood ADD VALUE 'so-so' BEFORE 'happy';",
    source="Manual, ALTER TYPE, ADD VALUE.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if node.old_val or node.new_val_neighbor:
        return
    name = shown(key(dotted(node.type_name)))
    yield Hit(
        f"Value {literal(str(node.new_val))} is put at the end of the order of {name}. The order cannot be changed later.",
        f"Say where it belongs: ALTER TYPE {name} ADD VALUE {literal(str(node.new_val))} AFTER '...';",
    )
