"""A rewrite that somebody offers as plain statements, as the one file that carries it."""

from __future__ import annotations

from ..sql.parse import parse
from .files import OUTSIDE, Draft, top
from .prove import Original


def single(original: Original, sql: str, origin: str) -> Draft:
    """The file under the original's name whose statements each run by themselves, with the original's headers.

    origin: a line that says where the statements come from.
    """
    head = [line for line in top(parse(original.sql)) if line.strip() and OUTSIDE not in line]
    lines = [OUTSIDE, *head, f"-- {origin}", ""]
    return Draft(original.path, "\n".join(lines) + "\n" + sql.strip("\n") + "\n", True)
