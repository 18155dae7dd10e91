"""Whether an expression of a migration may be computed on a target by a question that is only meant to count.

The question runs with the rights of whoever asks, who may be a superuser. So it calls functions of the server itself that
change nothing (immutable and stable ones), and nothing that a user of the database could have made. Source: manual, "Function Volatility
Categories"; "Writing SECURITY DEFINER Functions Safely".
"""

from __future__ import annotations

from typing import Any

from ..hazards.shapes import type_ref
from ..sql import grammar
from .facts import Facts, Relation

NOT_FOR_US = {"SubLink": "it holds a query", "ParamRef": "it holds a parameter", "SetToDefault": "it holds DEFAULT"}
# what people write for operators of other names
SPELT = {"!=": "<>"}


def unsafe(expression: Any, relation: Relation, facts: Facts, *, value: str = "") -> str:
    """Why the expression may not be computed, or "". value: the column that VALUE stands for in a domain's condition."""
    functions: list[str] = []
    operators: list[str] = []
    for _, message in grammar.walk(expression):
        kind = message.DESCRIPTOR.name
        if why := NOT_FOR_US.get(kind):
            return why
        if kind == "FuncCall":
            parts = [str(n.string.sval) for n in message.funcname]
            if len(parts) > 1 and parts[0] != "pg_catalog":
                return f"it calls {'.'.join(parts)}, which is not the server's own"
            functions.append(parts[-1])
        elif kind == "A_Expr":
            names = [str(n.string.sval) for n in message.name]
            if len(names) > 1 and names[0] != "pg_catalog":
                return f"it uses the operator {'.'.join(names)}, which is not the server's own"
            if names and not names[-1][:1].isalpha():  # BETWEEN and the like stand there in words
                operators.append(SPELT.get(names[-1], names[-1]))
        elif (
            kind == "TypeName"
            and (why := _type(message, facts))
            or kind == "ColumnRef"
            and (why := _column(message, relation, value))
        ):
            return why
    return facts.unfit(dict.fromkeys(functions), dict.fromkeys(operators)) if functions or operators else ""


def _type(node: Any, facts: Facts) -> str:
    name = type_ref(node).name
    known = facts.type(f"pg_catalog.{name}") if "." not in name else None
    return "" if known is not None and known.own else f"it names the type {name}, which is not the server's own"


def _column(node: Any, relation: Relation, value: str) -> str:
    last = node.fields[-1] if node.fields else None
    if last is None or last.WhichOneof("node") != "string":
        return "it takes a whole row"
    name = str(last.string.sval)
    column = relation.columns.get(value if value and name == "value" else name)
    if column is None:
        return f"the target has no column {name} in {relation.title} now"
    return "" if column.plain else f"{name} has the type {column.type}, which is not the server's own"
