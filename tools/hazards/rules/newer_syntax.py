"""A form that the target's version of PostgreSQL does not know yet."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="newer-syntax",
    title="The target's PostgreSQL is too old for this",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("alter_table_stmt", "create_stmt", "merge_stmt", "index_stmt", "reindex_stmt", "create_trig_stmt", "view_stmt"),
    until=17,
    why="The statement is right for a newer PostgreSQL; the target's version refuses it as a syntax error.",
    fix="Use the older form, or upgrade first.",
    bad="ALTER TABLE orders ADD CONSTRAINT orders_note_set NOT NULL note NOT VALID;",
    good="ALTER TABLE orders ADD CONSTRAINT orders_note_set CHECK (note IS NOT NULL) NOT VALID;",
    unfixed="Write it for the target's version.",
    source="Release notes of PostgreSQL 12 to 18.",
)
def check(step: Step) -> Iterator[Hit]:
    for since, what in _needs(step):
        if step.version < since:
            yield Hit(
                f"{what} needs PostgreSQL {since}. The target runs {step.version}, which refuses it as a syntax error.",
                "Use a form that the target knows, or upgrade first.",
            )
            return


def _needs(step: Step) -> Iterator[tuple[int, str]]:
    """(version, form) for each form in the statement that came after PostgreSQL 11."""
    if step.node_name == "merge_stmt":
        yield 15, "MERGE"
    if step.node_name == "reindex_stmt" and any(p.def_elem.defname == "concurrently" for p in step.node.params):
        yield 12, "REINDEX CONCURRENTLY"
    if step.node_name == "index_stmt" and step.node.nulls_not_distinct:
        yield 15, "NULLS NOT DISTINCT"
    if step.node_name == "create_trig_stmt" and step.node.replace:
        yield 14, "CREATE OR REPLACE TRIGGER"
    for action in step.actions:
        if action.kind == "DetachPartitionFinalize" or (
            action.kind == "DetachPartition" and getattr(action.node, "def").partition_cmd.concurrent
        ):
            yield 14, "DETACH PARTITION CONCURRENTLY"
        if action.kind == "SetExpression":
            yield 17, "SET EXPRESSION"
        if action.kind == "SetCompression":
            yield 14, "SET COMPRESSION"
        if action.constraint is not None and action.constraint.kind == "not null":
            yield 18, "ADD CONSTRAINT ... NOT NULL"
    for message in step.messages("Constraint"):
        name = grammar.enum_name(message, "contype")
        if name == "CONSTR_GENERATED":
            yield (18, "a VIRTUAL generated column") if message.generated_kind == "v" else (12, "GENERATED STORED")
        elif (
            name in ("CONSTR_ATTR_NOT_ENFORCED", "CONSTR_ATTR_ENFORCED")
            or name in ("CONSTR_CHECK", "CONSTR_FOREIGN")
            and message.skip_validation
            and not message.is_enforced
        ):
            yield 18, "NOT ENFORCED"
        if message.nulls_not_distinct:
            yield 15, "NULLS NOT DISTINCT"
        if message.without_overlaps or message.fk_with_period:
            yield 18, "WITHOUT OVERLAPS and PERIOD"
