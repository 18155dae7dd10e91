"""How a failure in the sandbox is told: in one line, with its place in the file, and whether it says anything of production."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..records import Statement

if TYPE_CHECKING:
    import psycopg


def message(error: psycopg.Error) -> str:
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__


def place(statement: Statement, error: psycopg.Error) -> tuple[int, int]:
    """Line and column in the file; the statement's own where the server tells no position."""
    position = error.diag.statement_position
    if not position:
        return statement.span.line, statement.span.column
    ahead = statement.text[: int(position) - 1]
    lines = ahead.count("\n")
    column = len(ahead) - (ahead.rfind("\n") + 1) + (1 if lines else statement.span.column)
    return statement.span.line + lines, column


def located(path: str, line: int, what: str) -> str:
    place = ":".join(part for part in (path, str(line) if line else "") if part)
    return f"{place}: {what}" if path else (f"line {line}: {what}" if line else what)


def lacking(error: psycopg.Error) -> str:
    """Why the failure says nothing of production: the sandbox's server lacks something. "" when it does not."""
    text = message(error)
    lacks = (
        r'extension "[^"]+" is not available',
        r"could not open extension control file",
        r'tablespace "[^"]+" does not exist',
        r'collation "[^"]+" for encoding',
        r"ICU is not supported",
        r'language "[^"]+" does not exist',
        r'could not access file "',
        r"SSL is not supported by this build",
    )
    return f"the sandbox lacks what the statement needs: {text}" if any(re.search(p, text) for p in lacks) else ""
