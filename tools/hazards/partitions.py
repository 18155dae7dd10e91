"""Partition bounds: what a table must be known to hold so that attaching it reads no row."""

from __future__ import annotations

from typing import Any

from ..sql import grammar
from .catalog import Table


def bound_is_proven(table: Table, bound: Any) -> bool:
    """Whether a valid CHECK of the table implies the partition bound, as far as the columns' text tells.

    Source: manual, ALTER TABLE, ATTACH PARTITION: the scan is skipped when a CHECK implies the constraint; NULLs have
    to be excluded too.
    """
    if bound.is_default or bound.strategy == "h":
        return False
    needed = _literals([*bound.lowerdatums, *bound.upperdatums, *bound.listdatums])
    for constraint in table.constraints.values():
        if constraint.kind != "check" or not constraint.validated or not constraint.enforced:
            continue
        try:
            [statement] = grammar.raw_statements(f"SELECT {constraint.expression}")
        except (grammar.GrammarError, ValueError):
            continue
        if needed <= _literals([statement.node]) and _columns(statement.node):
            return True
    return False


def _literals(nodes: list[Any]) -> set[str]:
    found = set()
    for node in nodes:
        for _, message in grammar.walk(node):
            if message.DESCRIPTOR.name == "A_Const":
                which = message.WhichOneof("val")
                if which == "sval":
                    found.add(str(message.sval.sval))
                elif which == "ival":
                    found.add(str(message.ival.ival))
                elif which == "fval":
                    found.add(str(message.fval.fval))
    return found


def _columns(node: Any) -> bool:
    return any(m.DESCRIPTOR.name == "ColumnRef" for _, m in grammar.walk(node))
