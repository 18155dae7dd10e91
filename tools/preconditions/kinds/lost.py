"""Rows and values that a DROP or TRUNCATE takes away: told, not forbidden."""

from __future__ import annotations

from ...sql.quote import ident
from ..counting import rows
from ..facts import Relation
from ..model import Precondition

KEEP = "If they may be needed again, keep them first; the rollback's capture script does."


def lost_rows(relation: Relation, word: str) -> Precondition:
    """Rows that go with a table. word: "dropped" or "deleted"."""
    return Precondition(
        "lost",
        f"{relation.title} holds no row",
        f"rows of {relation.title} that are {word}",
        KEEP,
        rows(f"FROM {relation.source()}"),
        information=True,
    )


def lost_values(relation: Relation, column: str) -> Precondition:
    """Values that go with a column."""
    name = ident(column)
    return Precondition(
        "lost",
        f"{relation.title}.{name} holds no value",
        f"rows of {relation.title} with a value in {name}, which is dropped",
        KEEP,
        rows(f"FROM {relation.source()} WHERE {name} IS NOT NULL"),
        columns=(column,),
        information=True,
    )
