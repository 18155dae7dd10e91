"""Keys that occur more than once where a UNIQUE constraint, a primary key or a unique index is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...sql import grammar
from ...sql.effects import dotted
from ...sql.quote import ident
from ..counting import rows
from ..facts import Facts, Relation
from ..model import Precondition, Work
from ..safe import unsafe

MERGE = "Merge or delete the rows that share a key first."


def duplicates(relation: Relation, columns: Sequence[str], *, nulls_count: bool = False) -> Precondition:
    """No two rows with the same values in the columns. nulls_count: NULLs are equal too (NULLS NOT DISTINCT)."""
    parts = [ident(c) for c in columns]
    return _asked(relation, parts, parts, "", nulls_count, tuple(columns))


def of_index(relation: Relation, node: Any, facts: Facts) -> Precondition:
    """No two rows with the same key in a CREATE UNIQUE INDEX, whatever its key is made of."""
    parts: list[str] = []
    shown: list[str] = []
    plain: list[str] = []
    obstacle = ""
    for wrapped in node.index_params:
        part = wrapped.index_elem
        if part.name:
            text = ident(str(part.name))
            plain.append(str(part.name))
        else:
            obstacle = obstacle or unsafe(part.expr, relation, facts)
            text = f"({grammar.printed(part.expr)})"
        if part.collation:
            collation = dotted(part.collation)
            text += f" COLLATE {'.'.join(ident(p) for p in collation.split('.'))}"
        if part.opclass and len(part.opclass) > 1:
            obstacle = obstacle or f"it compares by {dotted(part.opclass)}"
        parts.append(text)
        shown.append(ident(str(part.name)) if part.name else grammar.printed(part.expr))
    where = ""
    if node.HasField("where_clause"):
        obstacle = obstacle or unsafe(node.where_clause, relation, facts)
        where = grammar.printed(node.where_clause)
    return _asked(relation, parts, shown, where, bool(node.nulls_not_distinct), tuple(plain), obstacle)


def _asked(
    relation: Relation,
    parts: list[str],
    shown: list[str],
    where: str,
    nulls_count: bool,
    columns: tuple[str, ...],
    obstacle: str = "",
) -> Precondition:
    conditions = [f"({where})"] if where else []
    if not nulls_count:
        conditions += [f"{p} IS NOT NULL" for p in parts]
    filtered = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    keys = ", ".join(shown)
    found = f"FROM {relation.source(alone=True)}{filtered} GROUP BY {', '.join(parts)} HAVING count(*) > 1"
    among = f" where {where}" if where else ""
    return Precondition(
        "duplicates",
        f"no two rows of {relation.title}{among} share ({keys})",
        f"values of ({keys}) that more than one row of {relation.title}{among} has",
        MERGE,
        "" if obstacle else rows(found),
        obstacle,
        Work.GROUP,
        columns=columns,
    )
