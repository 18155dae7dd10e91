"""An enum type."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="prefer-lookup-table",
    title="Enum whose values cannot be taken back",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_enum_stmt",),
    enabled=False,
    why="Values of an enum can be added and renamed, never removed or sorted anew, and a new one cannot be used in the transaction that adds it.",
    fix="A table of values with a foreign key, or text with a CHECK.",
    bad="CREATE TYPE mood AS ENUM ('sad', 'happy');",
    good="CREATE TABLE moods (name text PRIMARY KEY);",
    source="Manual, section 8.7 Enumerated Types.",
)
def check(step: Step) -> Iterator[Hit]:
    name = shown(key(dotted(step.node.type_name)))
    yield Hit(
        f"{name} is an enum: its values cannot be removed or sorted anew later. A value that is added cannot be used in the same"
        " transaction.",
        "Use a table of values with a foreign key, or text with a CHECK.",
    )
