"""One text for expressions that the server prints in two ways, before and after a dump and reload.

`status IN ('new', 'done')` over a varchar column is stored as an array of varchar that is cast to text[] as a whole:

    ((status)::text = ANY ((ARRAY['new'::character varying, 'done'::character varying])::text[]))

When that text is read again, the parser does not keep the cast of the array: it hands the type down to the elements
(transformTypeCast and transformArrayExpr in parser/parse_expr.c: "If the subject of the typecast is an ARRAY[]
construct and the target type is an array type, we invoke transformArrayExpr() directly so that we can pass down the
type information"). The next print is the fixed point, and the form that is kept here:

    ((status)::text = ANY (ARRAY[('new'::character varying)::text, ('done'::character varying)::text]))

`a IN (b, c, d)` over columns is stored as nested conditions, `(((a = b) OR (a = c)) OR (a = d))`, which the grammar
flattens when it reads them (makeOrExpr and makeAndExpr in parser/gram.y): `((a = b) OR (a = c) OR (a = d))` is kept.

The rules are applied to the tokens of printed text, inside strings and function bodies never. Text that the server prints
without needless brackets (extended statistics) has `ARRAY[...]::text[]`, and `'new'::character varying::text` afterwards.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<text>[Ee]'(?:[^'\\]|\\.|'')*' | (?:[BbXxNn]|[Uu]&)?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$.*?\$(?(tag)(?P=tag))\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    | (?P<cast>::)
    | (?P<number>\d[\w.]*)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = frozenset("(["), frozenset(")]")
_OPERATORS = frozenset("+-*/<>=~!@#%^&|`?") | {"AND", "OR", "NOT", "IS", "CASE", "BETWEEN", "LIKE", "COLLATE", "AT"}

# The everyday case in one pass: an array of string constants. Strings, quoted names and dollar quotes are matched
# first, so that nothing inside them is.
_CONSTANT = r"'(?:[^']|'')*'::[a-z][a-z\ ]*"
_EVERYDAY = re.compile(
    rf"""(?<!["\w])\(ARRAY\[(?P<items>{_CONSTANT}(?:,\ {_CONSTANT})*)\]\)::(?P<type>[a-z][a-z\ ]*)\[\]
    | [Ee]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$""",
    re.VERBOSE | re.DOTALL,
)
_ITEM = re.compile(_CONSTANT)


class Vanished(Exception):
    """Another session dropped an object after its row was read, so the server cannot print it any more."""


def printed(text: str | None) -> str:
    """The canonical form of something that the server printed. Errors: Vanished when it printed nothing."""
    if text is None:
        raise Vanished
    return canonical(text)


def canonical(text: str) -> str:
    """The text as it would be printed after it was read back by the server; nearly always the same text."""
    if "ARRAY[" in text and "]::" in text or "ARRAY[" in text and "])::" in text:
        text = _EVERYDAY.sub(_everyday, text)
        if "])::" in text or "]::" in text:
            tokens = tokens_of(text)
            text = "".join(_rewritten([t for _, t in tokens], [k for k, _ in tokens]))
    if ")) OR " in text or ")) AND " in text:
        text = "".join(_flattened([t for _, t in tokens_of(text)]))
    return text


def tokens_of(text: str) -> list[tuple[str, str]]:
    """The tokens of printed text with their kinds (space, text, quoted, dollar, word, cast, number, other)."""
    return [(m.lastgroup or "", m.group()) for m in _TOKEN.finditer(text)]


def _everyday(match: re.Match[str]) -> str:
    if match["items"] is None:
        return match.group()
    return "ARRAY[" + ", ".join(f"({item})::{match['type']}" for item in _ITEM.findall(match["items"])) + "]"


def _rewritten(tokens: list[str], kinds: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(tokens):
        found = _cast_array(tokens, kinds, at)
        if found is None:
            out.append(tokens[at])
            at += 1
            continue
        out.extend(_with_type(tokens, kinds, found.first, found.last, found.type, bare=found.bare))
        at = found.after
    return out


class _Cast(NamedTuple):
    """A cast of an array: where ARRAY and its `]` stand and what follows, the elements' type, whether it has no
    brackets around it."""

    first: int
    last: int
    after: int
    type: str
    bare: bool


def _cast_array(tokens: list[str], kinds: list[str], at: int) -> _Cast | None:
    """The `(ARRAY[...])::type[]` or `ARRAY[...]::type[]` that starts at `at`."""
    bare = tokens[at] == "ARRAY"
    first = at if bare else at + 1
    if tokens[first : first + 2] != ["ARRAY", "["]:
        return None
    if not bare and (tokens[at] != "(" or (at and kinds[at - 1] in ("word", "quoted"))):
        return None
    last = _closing(tokens, first + 1)
    behind = ["::"] if bare else [")", "::"]
    start = last + 1 + len(behind)
    if tokens[last + 1 : start] != behind:
        return None
    end = start
    while end < len(tokens) and tokens[end] != "[":
        if tokens[end] == "(" and kinds[end - 1] in ("word", "quoted"):
            end = _closing(tokens, end) + 1  # the type's modifier: numeric(10,2)
        elif kinds[end] in ("word", "quoted", "space") or tokens[end] == ".":
            end += 1
        else:
            return None
    if tokens[end : end + 2] != ["[", "]"]:
        return None
    return _Cast(first, last, end + 2, "".join(tokens[start:end]), bare)


def _with_type(tokens: list[str], kinds: list[str], first: int, last: int, type: str, *, bare: bool) -> list[str]:
    """The ARRAY[...] that starts at `first` and ends at `last` with every element cast; nested ones likewise."""
    out = ["ARRAY["]
    begin = first + 2
    depth = 0
    for at in range(begin, last + 1):
        if at == last or (tokens[at] == "," and depth == 0):
            if begin < at:
                out.extend(_element(tokens[begin:at], kinds[begin:at], type, bare=bare))
            if at < last:
                out.append(",")
            begin = at + 1
        elif tokens[at] in _OPEN:
            depth += 1
        elif tokens[at] in _CLOSE:
            depth -= 1
    return [*out, "]"]


def _element(tokens: list[str], kinds: list[str], type: str, *, bare: bool) -> list[str]:
    """One element, cast. A constant of the type itself only takes on the modifier: 'a'::character varying(5)."""
    lead = tokens[:1] if kinds[0] == "space" else []
    tokens, kinds = tokens[len(lead) :], kinds[len(lead) :]
    if tokens[:2] == ["ARRAY", "["] and _closing(tokens, 1) == len(tokens) - 1:
        return lead + _with_type(tokens, kinds, 0, len(tokens) - 1, type, bare=bare)
    inner = "".join(_rewritten(tokens, kinds))
    base = re.sub(r"\([\d,]+\)", "", type)
    if base != type and kinds[0] == "text" and inner == f"{tokens[0]}::{base}":
        return [*lead, f"{tokens[0]}::{type}"]
    if bare and _OPERATORS.isdisjoint(_outside(tokens)):
        return [*lead, f"{inner}::{type}"]
    return [*lead, f"({inner})::{type}"]


def _flattened(tokens: list[str]) -> list[str]:
    """The tokens without the brackets of a condition that stands first in another of its kind."""
    at = 0
    while at < len(tokens) - 1:
        if tokens[at] == tokens[at + 1] == "(":
            end = _closing(tokens, at + 1)
            word = tokens[end + 2] if tokens[end + 1 : end + 2] == [" "] and end + 2 < len(tokens) else ""
            if word in ("OR", "AND") and word in _outside(tokens[at + 2 : end]):
                del tokens[end], tokens[at + 1]
                continue
        at += 1
    return tokens


def _outside(tokens: list[str]) -> set[str]:
    """The tokens that stand in no bracket."""
    found, depth = set(), 0
    for token in tokens:
        depth -= token in _CLOSE
        if depth == 0:
            found.add(token)
        depth += token in _OPEN
    return found


def _closing(tokens: list[str], at: int) -> int:
    """Where the bracket that opens at `at` closes."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index] in _OPEN:
            depth += 1
        elif tokens[index] in _CLOSE:
            depth -= 1
            if depth == 0:
                return index
    return len(tokens)
