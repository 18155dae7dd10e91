"""The words of findings: locks by their PostgreSQL names with what they do to others, names quoted, SQL to paste."""

from __future__ import annotations

import re

from ..sql import grammar
from ..sql.quote import ident
from .shapes import shown
from .step import Step

LONGEST = 240  # characters of SQL in a message; longer is left to the reader's own text

__all__ = ["alter", "ident", "insert_word", "lock_on", "names", "shown", "sql_of", "waits"]


def lock_on(mode: str, relation: str) -> str:
    """'an ACCESS EXCLUSIVE lock on orders'."""
    article = "an" if mode[0] in "AE" else "a"
    return f"{article} {mode} lock on {shown(relation) or 'the table'}"


def waits(mode: str, relation: str, until: str) -> str:
    """Who waits for such a lock, in one sentence."""
    name = shown(relation) or "the table"
    if mode == "ACCESS EXCLUSIVE":
        return f"Nobody can read or write {name} until {until}."
    if mode in ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"):
        return f"Reads go on, but writes to {name} wait until {until}."
    return f"Reads and writes of {name} go on."


def alter(relation: str, action: str) -> str:
    """'ALTER TABLE orders <action>;'."""
    return f"ALTER TABLE {shown(relation)} {action};"


def names(items: tuple[str, ...] | list[str]) -> str:
    """'a', 'a and b', 'a, b and c', names quoted where needed."""
    quoted = [shown(i) for i in items]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}" if quoted else ""


def sql_of(step: Step) -> str:
    """The statement on one line without comments; "" when it is too long to be repeated in a message."""
    try:
        text = grammar.deparse(step.text)
    except (grammar.GrammarError, ValueError):
        text = " ".join(step.text.split())
    return text if len(text) <= LONGEST else ""


def insert_word(sql: str, after: str, word: str) -> str:
    """The SQL with a word put in after the first match of the pattern `after`; "" stays "" ."""
    return re.sub(f"({after})", rf"\1 {word}", sql, count=1, flags=re.IGNORECASE) if sql else ""
