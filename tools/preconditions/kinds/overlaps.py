"""Pairs of rows that an exclusion constraint forbids."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident
from ..counting import rows
from ..facts import Facts, Relation
from ..model import Precondition, Work
from ..safe import unsafe


def overlaps(relation: Relation, node: Any, facts: Facts) -> Precondition:
    """No two rows for which all of the constraint's operators hold. Source: manual, CREATE TABLE, EXCLUDE."""
    obstacle, pairs, names, columns = "", [], [], []
    for wrapped in node.exclusions:
        part, operators = wrapped.list.items[0].index_elem, wrapped.list.items[1].list.items
        operator = str(operators[-1].string.sval)
        if part.name:
            name = str(part.name)
            column = relation.columns.get(name)
            if column is None or not column.plain:
                obstacle = obstacle or f"{name} is not there now, or not of a type of the server's own"
            pairs.append(f"a.{ident(name)} {operator} b.{ident(name)}")
            names.append(f"{ident(name)} WITH {operator}")
            columns.append(name)
        else:
            obstacle = obstacle or "it compares expressions"
            names.append(f"({grammar.printed(part.expr)}) WITH {operator}")
        obstacle = obstacle or facts.unfit((), (operator,))
    where = ""
    if node.HasField("where_clause"):
        obstacle = obstacle or unsafe(node.where_clause, relation, facts)
        where = f" WHERE ({grammar.printed(node.where_clause)})"
    if relation.kind == "p":
        obstacle = obstacle or "the table is partitioned"
    held = f"(SELECT *, {relation_place(relation)} FROM {relation.source(alone=True)}{where})"
    found = f"FROM {held} a JOIN {held} b ON a.agentdb_place < b.agentdb_place AND {' AND '.join(pairs)}"
    text = ", ".join(names)
    return Precondition(
        "overlaps",
        f"no two rows of {relation.title} exclude each other by ({text})",
        f"pairs of rows of {relation.title} that exclude each other by ({text})",
        "Change or delete one row of each pair first.",
        "" if obstacle else rows(found),
        obstacle,
        Work.PAIRS,
        columns=tuple(columns),
    )


def relation_place(relation: Relation) -> str:
    """Where a row is, so that no row is compared with itself, nor a pair twice."""
    return f"{ident(relation.name)}.ctid AS agentdb_place"
