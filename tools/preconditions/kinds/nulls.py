"""NULLs where a column becomes NOT NULL or part of a primary key."""

from __future__ import annotations

from ...sql.quote import ident
from ..counting import rows
from ..facts import Relation
from ..model import Precondition


def nulls(relation: Relation, column: str, *, alone: bool = False) -> list[Precondition]:
    """No NULL in the column; nothing to ask when it is NOT NULL already."""
    known = relation.columns.get(column)
    if known is None or known.not_null:
        return []
    name = ident(column)
    return [
        Precondition(
            "nulls",
            f"no row of {relation.title} has NULL in {name}",
            f"rows of {relation.title} with NULL in {name}",
            f"Fill them first, in batches: UPDATE {relation.title} SET {name} = ... WHERE {name} IS NULL;",
            rows(f"FROM {relation.source(alone=alone)} WHERE {name} IS NULL"),
            columns=(column,),
        )
    ]
