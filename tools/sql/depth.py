"""How deeply a text nests. The parser library prints and reads its trees by recursion in C, where running out of stack
ends the process; so text that nests too deeply is refused before it gets there.

PostgreSQL refuses such text too: "stack depth limit exceeded" (SQLSTATE 54001) at a few thousand levels with its
default max_stack_depth of 2 MB. Measured with 8 MB of stack: the library parses and prints 4,000 levels of every
construct, and dies between 4,000 and 10,000.
"""

from __future__ import annotations

import contextlib

import postgast
from postgast.errors import PgQueryError

LIMIT = 3000
TOO_DEEP = "the statement nests too deeply to be read"
SHORT = 2 * LIMIT  # characters below which no text nests so deeply: each level takes two at least

# Token numbers of the library's scanner.
_OPEN, _CLOSE = {40, 91}, {41, 93}  # ( [ and ) ]
_COMMA, _SEMICOLON = 44, 59
_AND, _OR = 292, 572
_CHAINS = {485, 722, 478, 410}  # JOIN, UNION, INTERSECT, EXCEPT: left-deep over many lines
_OPERATORS = {265, 268, 271, 272, 273, 274, 43, 45, 42, 47, 37, 94, 60, 62, 61, 550, 482, 335, 302}

# Trees deeper than a hundred messages are ordinary (fifty concatenations, a CASE in a CASE); protobuf reads them
# only when told to.
with contextlib.suppress(ImportError, AttributeError):
    from google._upb import _message  # type: ignore[import-untyped]

    _message.SetAllowOversizeProtos(True)


def too_deep(sql: str) -> int | None:
    """The position (characters from 1) where a text passes the limit, or None when it does not."""
    if len(sql) < SHORT or _levels_at_most(sql) <= LIMIT:
        return None
    try:
        tokens = postgast.scan(sql).tokens
    except PgQueryError:
        return None
    chains, operators = [0], [0]
    total = 0
    for token in tokens:
        kind = token.token
        if kind in _OPEN:
            chains.append(0)
            operators.append(0)
            total += 1
        elif kind in _CLOSE and len(chains) > 1:
            total -= chains.pop() + operators.pop() + 1
        elif kind == _SEMICOLON:
            chains, operators, total = [0], [0], 0
        elif kind in (_COMMA, _AND, _OR):
            total -= operators[-1]
            operators[-1] = 0
        elif kind in _CHAINS:
            chains[-1] += 1
            total += 1
        elif kind in _OPERATORS:
            operators[-1] += 1
            total += 1
        if total > LIMIT:
            return len(sql.encode()[: token.start].decode(errors="replace")) + 1
    return None


# What every token that opens a level holds: a bracket, a character of an operator, or one of these words.
_SIGNS = b"([+-*/%^<>=~!@#&|`?:"
_WORDS = (b"join", b"union", b"intersect", b"except", b"not", b"is", b"collate", b"at")


def _levels_at_most(sql: str) -> int:
    """A number of levels that the text cannot pass, many times faster told than its tokens."""
    data = sql.lower().encode(errors="replace")
    return len(data) - len(data.translate(None, _SIGNS)) + sum(data.count(word) for word in _WORDS)
