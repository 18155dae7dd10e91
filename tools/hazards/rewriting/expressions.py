"""Expressions and index definitions that speak of another column than they did."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from .steps import copy_of


def parsed(expression: str) -> Any:
    """The tree of an expression. Errors: GrammarError."""
    [statement] = grammar.raw_statements(f"SELECT {expression}")
    return copy_of(statement.node.target_list[0].res_target.val)


def of_row(expression: Any, row: str) -> str:
    """The expression as SQL with its columns taken from a record: `a + 1` becomes `new.a + 1`."""
    made = copy_of(expression)
    for _, message in grammar.walk(made):
        if message.DESCRIPTOR.name == "ColumnRef":
            last = copy_of(message.fields[-1])
            del message.fields[:]
            message.fields.add().string.sval = row
            message.fields.add().CopyFrom(last)
    return grammar.printed(made)


def with_column(message: Any, old: str, new: str) -> bool:
    """Put one column's name for another's everywhere in a tree; whether it was there at all."""
    found = False
    for _, inner in grammar.walk(message):
        kind = inner.DESCRIPTOR.name
        if kind == "ColumnRef" and inner.fields and inner.fields[-1].string.sval == old:
            inner.fields[-1].string.sval = new
            found = True
        elif kind == "IndexElem" and inner.name == old:
            inner.name = new
            found = True
    return found


def statement(sql: str) -> tuple[str, Any]:
    """(node name, a copy of the tree) of one statement. Errors: GrammarError."""
    [found] = grammar.raw_statements(sql)
    return found.node_name, copy_of(found.node)
