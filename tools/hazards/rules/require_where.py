"""UPDATE or DELETE of every row of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import shown

STATEMENTS = {"UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}


@rule(
    id="require-where",
    title="UPDATE or DELETE of every row",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("update_stmt", "delete_stmt", "insert_stmt", "select_stmt", "merge_stmt", "create_table_as_stmt"),
    effect=Effect.RUNS,
    scales=True,
    why="Without WHERE a statement touches every row: it locks them all until the transaction ends, doubles the table's "
    "size for VACUUM to clean up, and overwrites or deletes data that no rollback script can guess.",
    fix="Say which rows, and go in batches by key with a commit after each.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, state text);",
    bad="UPDATE orders SET state = 'new';",
    good="UPDATE orders SET state = 'new' WHERE id = 42;",
    rewritten=True,
    source="Manual, UPDATE; DELETE; section 24.1 Routine Vacuuming.",
)
def check(step: Step) -> Iterator[Hit]:
    for message in step.writes():
        word = STATEMENTS.get(message.DESCRIPTOR.name)
        if word is None:
            continue
        relation = relation_key(message.relation)
        if step.catalog.is_new(relation) or relation in _ctes(step.node):
            continue
        if message.HasField("where_clause") and not always_true(message.where_clause):
            continue
        if word == "DELETE" and message.using_clause and message.HasField("where_clause"):
            continue
        done = "deletes" if word == "DELETE" else "overwrites"
        yield Hit(
            f"{word} without WHERE {done} every row of {shown(relation)}. The rows stay locked until the transaction ends,"
            " and what they held is gone.",
            f"Say which rows: {word} ... WHERE ..., in batches by key with a commit after each.",
            relation,
        )


def always_true(expression: Any) -> bool:
    """Whether a condition is true for every row by its text: TRUE, 1 = 1."""
    which = expression.WhichOneof("node")
    if which == "a_const":
        return expression.a_const.HasField("boolval") and bool(expression.a_const.boolval.boolval)
    if which == "a_expr":
        inner = expression.a_expr
        same = [n.string.sval for n in inner.name] == ["="]
        constants = inner.lexpr.WhichOneof("node") == inner.rexpr.WhichOneof("node") == "a_const"
        return same and constants and _value(inner.lexpr.a_const) == _value(inner.rexpr.a_const)
    return False


def _value(constant: Any) -> tuple[str, str]:
    which = constant.WhichOneof("val") or ""
    return which, str(getattr(constant, which)) if which else ""


def _ctes(node: Any) -> set[str]:
    if not node.DESCRIPTOR.fields_by_name.get("with_clause") or not node.HasField("with_clause"):
        return set()
    return {str(c.common_table_expr.ctename) for c in node.with_clause.ctes}
