"""Rows where a statement needs a table without any, or with one at most."""

from __future__ import annotations

from ...sql.quote import ident
from ..counting import rows
from ..facts import Relation
from ..model import Precondition


def no_rows(relation: Relation, column: str) -> Precondition:
    """No row at all: a NOT NULL column without a default is added."""
    name = ident(column)
    return Precondition(
        "rows",
        f"{relation.title} holds no row that would get no value in {name}",
        f"rows of {relation.title} that would get no value in {name}, which is NOT NULL",
        f"Give {name} a DEFAULT, or add it without NOT NULL, fill it, and set NOT NULL later.",
        rows(f"FROM {relation.source()}"),
        columns=(column,),
    )


def one_row(relation: Relation, column: str) -> Precondition:
    """One row at most: a unique column is added with one value for all."""
    name = ident(column)
    return Precondition(
        "rows",
        f"{relation.title} holds at most one row, so that one value of {name} can be unique",
        f"rows of {relation.title} that would all get the same value in {name}, which is unique",
        f"Add {name} without a default, give each row its own value, then make it unique.",
        rows(f"FROM (SELECT FROM {relation.source()} OFFSET 1) more"),
        columns=(column,),
    )
