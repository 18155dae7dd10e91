"""Work that a statement does on rows that were there before, as far as its text tells."""

from __future__ import annotations

from typing import Any

from ..sql import grammar
from .registry import Category, Effect
from .shapes import relation_key, shown
from .step import Step

HEAVY = (Effect.REWRITE, Effect.SCAN, Effect.BUILD)


def work_of(step: Step) -> str:
    """The work in words ("builds an index on orders"), or "" for a statement that takes no time."""
    for rule, hit in step.found_effects(*HEAVY):
        if rule.category is Category.UNKNOWN:
            continue
        words = {
            Effect.REWRITE: "rewrites {}",
            Effect.SCAN: "reads every row of {}",
            Effect.BUILD: "builds an index on {}",
        }[hit.effect or rule.effect]
        return words.format(shown(hit.relation) or "a table")
    if any(a.kind == "ValidateConstraint" for a in step.actions) and step.old and _left_to_validate(step):
        return f"reads every row of {shown(step.relation)}"
    if step.node_name in ("update_stmt", "delete_stmt", "merge_stmt") and step.old and not picks_few(step.node):
        return f"changes rows of {shown(step.relation)}"
    if step.node_name == "insert_stmt" and (source := _reads(step.node, step)):
        return f"copies rows of {shown(source)}"
    if step.node_name in ("create_table_as_stmt", "select_stmt") and (source := _reads(step.node, step)):
        return f"reads {shown(source)}"
    if step.node_name == "refresh_mat_view_stmt" and step.old:
        return f"computes {shown(step.relation)} anew"
    return ""


def _left_to_validate(step: Step) -> bool:
    for action in step.acts("ValidateConstraint"):
        known = step.table.constraints.get(action.name)
        if known is None or not known.validated or known.kind == "unknown":
            return True
    return False


def _reads(node: Any, step: Step) -> str:
    """The first table that was there before and that a query reads without a LIMIT or a key; "" for none."""
    query = node
    if step.node_name == "insert_stmt":
        query = node.select_stmt.select_stmt
    elif step.node_name == "create_table_as_stmt":
        query = node.query.select_stmt
    if not query.from_clause or query.HasField("limit_count") or picks_few(query):
        return ""
    for _, message in grammar.walk(query):
        if message.DESCRIPTOR.name == "RangeVar":
            name = relation_key(message)
            known = step.catalog.tables.get(name)
            system = message.schemaname in ("pg_catalog", "information_schema") or name.startswith("pg_")
            if not system and not step.catalog.is_new(name) and (known is None or known.kind != "view"):
                return name
    return ""


def picks_few(node: Any) -> bool:
    """Whether the WHERE clause pins a column to one value: `id = 5`, `key = 'x'`, alone or joined by AND."""
    if not node.DESCRIPTOR.fields_by_name.get("where_clause") or not node.HasField("where_clause"):
        return False
    return _pins(node.where_clause)


def _pins(expression: Any) -> bool:
    which = expression.WhichOneof("node")
    if which == "bool_expr" and grammar.enum_name(expression.bool_expr, "boolop") == "AND_EXPR":
        return any(_pins(part) for part in expression.bool_expr.args)
    if which != "a_expr" or grammar.enum_name(expression.a_expr, "kind") not in ("AEXPR_OP", "AEXPR_IN"):
        return False
    inner = expression.a_expr
    if [n.string.sval for n in inner.name] != ["="]:
        return False
    sides = {inner.lexpr.WhichOneof("node"), inner.rexpr.WhichOneof("node")}
    return "column_ref" in sides and bool(sides & {"a_const", "param_ref", "list", "type_cast"})
