"""The one form of all questions: how many rows there are of something, counted up to a limit."""

from __future__ import annotations

from .model import MOST


def rows(found: str) -> str:
    """SQL that counts the rows of "FROM ... WHERE ..." and stops above the limit."""
    return f"SELECT count(*) AS count FROM (SELECT {found} LIMIT {MOST + 1}) found"


def any_of(conditions: list[str]) -> str:
    """Conditions of which one must hold."""
    return conditions[0] if len(conditions) == 1 else " OR ".join(f"({c})" for c in conditions)
