"""An enum value used in the transaction that added it."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..catalog import Catalog
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key, type_ref
from ..step import Step
from ..words import shown

DEAF = {"comment_stmt", "create_function_stmt", "variable_set_stmt", "do_stmt", "alter_enum_stmt", "create_enum_stmt"}


@rule(
    id="using-new-enum-value",
    title="Enum value used in the transaction that adds it",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("*",),
    effect=Effect.FAILS,
    wrapped=True,
    since=12,
    why="A value added by ALTER TYPE ... ADD VALUE cannot be used before the transaction is committed: 'unsafe use of new "
    "value' (SQLSTATE 55P04). Only a type made in the same transaction is exempt.",
    fix="Commit after ADD VALUE: a file of its own, then the statements that use the value.",
    setup="CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE people (id bigint PRIMARY KEY, mood mood);",
    bad="ALTER TYPE mood ADD VALUE 'happy';\nUPDATE people SET mood = 'happy' WHERE id = 1;",
    good="ALTER TYPE mood ADD VALUE 'happy';",
    rewritten=True,
    source="Manual, ALTER TYPE, Notes; SQLSTATE 55P04.",
)
def check(step: Step) -> Iterator[Hit]:
    added = step.transaction.enum_values
    if not added or not step.in_transaction or step.node is None or step.node_name in DEAF:
        return
    constants = (m for _, m in grammar.walk(step.node) if m.DESCRIPTOR.name == "A_Const")
    used = {str(m.sval.sval) for m in constants if m.HasField("sval")}
    for kind, values in added.items():
        for value in sorted(used & values.keys()):
            if _cannot_be(step, kind, step.catalog):
                continue
            yield Hit(
                f"This uses value '{value}' of {shown(kind)}, which line {values[value]} added in the same transaction."
                " PostgreSQL refuses that as an unsafe use of a new value (SQLSTATE 55P04).",
                f"Commit after line {values[value]}: put ALTER TYPE ... ADD VALUE into a file of its own.",
                objects=(kind,),
            )
            return


def _cannot_be(step: Step, kind: str, catalog: Catalog) -> bool:
    """Whether every table of the statement is fully known, none has a column of the type, and nothing is cast to it."""
    if any(type_ref(m).name == kind for m in step.messages("TypeName")):
        return False
    for message in step.messages("RangeVar"):
        table = catalog.tables.get(relation_key(message))
        if table is None and step.node_name != "create_stmt":
            return False
        if table is not None and (
            not table.known or any(c.type is None or c.type.name == kind for c in table.columns.values())
        ):
            return False
    return True
