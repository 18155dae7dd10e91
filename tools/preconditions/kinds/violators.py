"""Rows for which a CHECK is false, of a table or of the domain of a column (NULL is not false)."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident
from ..counting import rows
from ..facts import Facts, Relation
from ..model import Precondition

MEND = "Mend those rows first, in an earlier migration."


def violators(
    relation: Relation, expression: Any, facts: Facts, *, columns: tuple[str, ...], alone: bool = False
) -> Precondition:
    """No row for which the condition is false."""
    condition = grammar.printed(expression)
    obstacle = unsafe_or_empty(expression, condition, relation, facts)
    return Precondition(
        "violators",
        f"no row of {relation.title} breaks {condition}",
        f"rows of {relation.title} that break {condition}",
        MEND,
        "" if obstacle else rows(f"FROM {relation.source(alone=alone)} WHERE NOT ({condition})"),
        obstacle,
        columns=columns,
    )


def of_domain(relation: Relation, column: str, domain: str, expression: Any | None, facts: Facts) -> Precondition:
    """No value of a column breaks a domain's condition, or its NOT NULL when `expression` is None."""
    name = f"{relation.title}.{ident(column)}"
    source = f"FROM (SELECT {ident(column)} AS value FROM {relation.source()}) held"
    if expression is None:
        condition, obstacle, bad = f"{domain} NOT NULL", "", "value IS NULL"
    else:
        condition = grammar.printed(expression)
        obstacle = unsafe_or_empty(expression, condition, relation, facts, column)
        # the value as its base type: so that nothing of the domain itself is computed
        source = (
            f"FROM (SELECT {ident(column)}::{relation.columns[column].base} AS value FROM {relation.source()}) held"
        )
        bad = f"NOT ({condition})"
    return Precondition(
        "domain-violators",
        f"no value of {name} breaks {condition} of {domain}",
        f"rows whose {name} breaks {condition} of {domain}",
        MEND,
        "" if obstacle else rows(f"{source} WHERE {bad}"),
        obstacle,
        columns=(column,),
    )


def unsafe_or_empty(expression: Any, printed: str, relation: Relation, facts: Facts, value: str = "") -> str:
    """Why a condition may not be computed, or cannot be written down; else ""."""
    from ..safe import unsafe

    if not printed:
        return "its condition cannot be written down"
    return unsafe(expression, relation, facts, value=value)
