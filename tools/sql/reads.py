"""Which tables a statement names beside those that it makes, drops or changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import grammar

READERS = frozenset(
    {
        "insert_stmt",
        "delete_stmt",
        "update_stmt",
        "merge_stmt",
        "select_stmt",
        "view_stmt",
        "create_table_as_stmt",
        "rule_stmt",
        "copy_stmt",
        "create_policy_stmt",
        "create_stmt",
        "alter_table_stmt",
    }
)


_NAMING = frozenset({"RangeVar", "CommonTableExpr"})


def relation(range_var: Any) -> str:
    """A table reference as written: "orders" or "billing.orders"."""
    return f"{range_var.schemaname}.{range_var.relname}" if range_var.schemaname else str(range_var.relname)


def read_by(node_name: str, node: Any) -> list[str]:
    """The tables that a statement of READERS names, as written, with repetitions."""
    return _READ_BY.get(node_name, _relations)(node)


def _relations(node: Any) -> list[str]:
    """Every table named anywhere in a query."""
    found: list[str] = []
    own: set[str] = set()
    for message in grammar.messages(node, _NAMING):
        if message.DESCRIPTOR.name == "RangeVar":
            found.append(relation(message))
        else:
            own.add(str(message.ctename))
    return [name for name in found if name not in own]


def _constraint(node: Any) -> list[str]:
    return [relation(node.pktable)] if node.HasField("pktable") else []


def _column(node: Any) -> list[str]:
    return [name for inner in node.constraints for name in _constraint(inner.constraint)]


def _read_by_create_table(node: Any) -> list[str]:
    """The tables that a CREATE TABLE refers to: its expressions may not hold queries (the server refuses them)."""
    found = [relation(parent.range_var) for parent in node.inh_relations]
    for element in node.table_elts:
        which = element.WhichOneof("node")
        if which == "column_def":
            found += _column(element.column_def)
        elif which == "constraint":
            found += _constraint(element.constraint)
        elif which == "table_like_clause":
            found.append(relation(element.table_like_clause.relation))
    return found


def _read_by_alter_table(node: Any) -> list[str]:
    """The tables that an ALTER TABLE names beside its own."""
    found = []
    for wrapped in node.cmds:
        definition = getattr(wrapped.alter_table_cmd, "def")
        which = definition.WhichOneof("node")
        if which == "column_def":
            found += _column(definition.column_def)
        elif which == "constraint":
            found += _constraint(definition.constraint)
        elif which == "range_var":
            found.append(relation(definition.range_var))
        elif which == "partition_cmd":
            found.append(relation(definition.partition_cmd.name))
    return found


_READ_BY: dict[str, Callable[[Any], list[str]]] = {
    "create_stmt": _read_by_create_table,
    "alter_table_stmt": _read_by_alter_table,
}
