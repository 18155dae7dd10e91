"""The PostgreSQL grammar, behind one small door: the only module that knows the parser library.

The library wraps PostgreSQL 18's own parser; statement offsets are in bytes and start right after the previous
semicolon. A syntax error's position counts characters from 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NamedTuple

import postgast
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from postgast.errors import PgQueryError

from . import depth

# Token kinds that the scanner gives for comments: -- to the end of the line, and /* */.
_LINE_COMMENT, _BLOCK_COMMENT = 275, 276
_IDENTIFIER = 258


class RawStatement(NamedTuple):
    """A statement as the grammar sees it: the node's name ("index_stmt"), the node, and its byte range."""

    node_name: str
    node: Any
    start: int
    length: int


class Comment(NamedTuple):
    """A comment with its byte range [start, end)."""

    start: int
    end: int
    text: str


class GrammarError(Exception):
    """PostgreSQL's grammar rejects the text; `position` counts characters from 1 (0 when not told)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def raw_statements(sql: str) -> list[RawStatement]:
    """The statements of a script in order. Errors: GrammarError for the first syntax error."""
    tree = _tree(sql)
    total = len(sql.encode())
    found = []
    for raw in tree.stmts:
        name = raw.stmt.WhichOneof("node")
        length = raw.stmt_len or total - raw.stmt_location
        found.append(RawStatement(name, getattr(raw.stmt, name), raw.stmt_location, length))
    return found


def _tree(sql: str) -> Any:
    """The parser's own result. Errors: GrammarError."""
    _refuse_depth(sql)
    try:
        return postgast.parse(sql)
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None
    except DecodeError:
        raise GrammarError(depth.TOO_DEEP, 0) from None


def _refuse_depth(sql: str) -> None:
    """Raise GrammarError for text that nests so deeply that the library would run out of stack."""
    place = depth.too_deep(sql)
    if place is not None:
        raise GrammarError(depth.TOO_DEEP, place)


def pieces(sql: str) -> list[str]:
    """The script cut at its semicolons by PostgreSQL's scanner, for text whose grammar is broken somewhere."""
    try:
        found = postgast.split(sql, method="scanner")
    except PgQueryError:
        return [sql]
    made: list[str] = []
    at = 0
    for piece in (*found, ""):
        start = sql.find(piece, at) if piece else len(sql)
        # The library leaves out what holds no keyword, such as a command of psql; it must not be lost.
        left_out = sql[at:start].strip(_BETWEEN)
        if left_out and not _only_comments(left_out):
            made.append(left_out)
        if piece:
            made.append(piece)
            at = start + len(piece)
    return made


_BETWEEN = "; \t\r\n\f\v"


def _only_comments(text: str) -> bool:
    data = text.encode()
    for comment in reversed(comments(text)):
        data = data[: comment.start] + data[comment.end :]
    return not data.decode(errors="replace").strip(_BETWEEN)


def comments(sql: str) -> list[Comment]:
    """The comments of a script in order; none when the scanner gives up on the text."""
    if "--" not in sql and "/*" not in sql:
        return []
    data = sql.encode()
    if "/*" not in sql and "$" not in sql and "\\" not in sql:
        found = list(_QUOTED_OR_COMMENT.finditer(data))
        if not any(m[0] in (b"'", b'"') for m in found):
            return [Comment(m.start(), m.end(), m[0].decode(errors="replace")) for m in found if m[0].startswith(b"--")]
    try:
        tokens = postgast.scan(sql).tokens
    except PgQueryError:
        return []
    return [
        Comment(t.start, t.end, data[t.start : t.end].decode(errors="replace"))
        for t in tokens
        if t.token in (_LINE_COMMENT, _BLOCK_COMMENT)
    ]


# Without dollar quotes, backslashes and block comments these are all the places where a quote or -- may stand, so that
# there is no need for the scanner. Last: a quote that nothing closes. Source: manual, 4.1 Lexical Structure.
_QUOTED_OR_COMMENT = re.compile(rb"""'[^']*'|"[^"]*"|--[^\n\r]*|['"]""")


def deparse(sql: str) -> str:
    """The script printed anew from its tree, in one canonical form. Errors: GrammarError."""
    tree = _tree(sql)
    try:
        return str(postgast.deparse(tree))
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None


def with_commands(alter_table: str, numbers: Collection[int]) -> str:
    """An ALTER TABLE with only the subcommands of these numbers (from 0), printed anew. Errors: GrammarError."""
    tree = _tree(alter_table)
    commands = tree.stmts[0].stmt.alter_table_stmt.cmds
    for number in reversed(range(len(commands))):
        if number not in numbers:
            del commands[number]
    try:
        return str(postgast.deparse(tree))
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None


def without_constants(sql: str) -> str:
    """The text with $1, $2 ... for the constants of data statements, passwords and function bodies; what defines a
    schema stays. Text that the grammar rejects loses everything between quotes."""
    try:
        _refuse_depth(sql)
        return str(postgast.normalize(sql))
    except (PgQueryError, GrammarError):
        return re.sub(r"'[^']*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$)", "'...'", sql, flags=re.DOTALL)


def meaning(sql: str) -> str:
    """A hash of the script's tree that ignores layout, comments and constants. Errors: GrammarError."""
    _refuse_depth(sql)
    try:
        return str(postgast.fingerprint(sql).hex)
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None


def function_body(create_function: str) -> list[Any]:
    """The PL/pgSQL bodies in a CREATE FUNCTION or DO statement as plain trees. Errors: GrammarError."""
    try:
        found = postgast.parse_plpgsql(create_function)
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None
    return list(found)


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Every message below a node with the name of the field it stands in, parents before children."""
    stack = [("", node)]
    while stack:
        found = stack.pop()
        yield found
        below: list[tuple[str, Any]] = []
        for field, value in found[1].ListFields():
            if field not in _FIELDS:
                _FIELDS[field] = None if field.message_type is None else (field.name, field.is_repeated)
            known = _FIELDS[field]
            if known is None:
                continue
            name, many = known
            if many:
                below += [(name, item) for item in value]
            else:
                below.append((name, value))
        if below:
            below.reverse()
            stack += below


# Nodes in which nothing but names and values stands: most of a tree, and nothing that `messages` looks for.
_LEAVES = frozenset(
    "a_const string integer float boolean bit_string column_ref param_ref a_star set_to_default".split()
)


def messages(node: Any, kinds: Collection[str]) -> Iterator[Any]:
    """The messages of some kinds ("RangeVar", "FuncCall") in a tree, the node itself included, parents before children.

    Many times faster than `walk`, as it enters neither constants nor column references: kinds that stand inside of those
    (A_Const, String, ColumnRef) are not to be asked for.
    """
    stack = [node]
    while stack:
        message = stack.pop()
        descriptor = message.DESCRIPTOR
        known = _BELOW.get(descriptor)
        if known is None:
            known = _BELOW[descriptor] = _below(descriptor)
        name, fields = known
        if name == "Node":
            which = message.WhichOneof("node")
            if which is not None and which not in _LEAVES:
                stack.append(getattr(message, which))
            continue
        if name in kinds:
            yield message
        for field, many in fields:
            if many:
                if items := getattr(message, field):
                    stack += reversed(items)
            elif message.HasField(field):
                stack.append(getattr(message, field))


def _below(descriptor: Any) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """A kind's name and its fields that hold messages, last first, each with whether it holds many."""
    fields = [(f.name, bool(f.is_repeated)) for f in descriptor.fields if f.message_type is not None]
    return str(descriptor.name), tuple(reversed(fields))


_BELOW: dict[Any, tuple[str, tuple[tuple[str, bool], ...]]] = {}

# Descriptors are made once a process; asking them anew for every message costs as much as the walk.
_FIELDS: dict[Any, tuple[str, bool] | None] = {}
_NAMES: dict[tuple[Any, str], dict[int, str]] = {}


def enum_name(message: Any, field: str) -> str:
    """The name of an enumeration field's value: enum_name(drop, "remove_type") is "OBJECT_TABLE"."""
    place = (message.DESCRIPTOR, field)
    names = _NAMES.get(place)
    if names is None:
        values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
        names = _NAMES[place] = {number: str(value.name) for number, value in values.items()}
    return names[getattr(message, field)]


@cache
def _select_1() -> Any:
    return postgast.parse("SELECT 1")


def _frame() -> Any:
    """A tree to put a piece of another one into, so that it can be printed; the caller's own."""
    made = _select_1().__class__()
    made.CopyFrom(_select_1())
    return made


def statement_text(node_name: str, node: Any) -> str:
    """A statement's tree as SQL, without a semicolon. Errors: GrammarError."""
    tree = _frame()
    target = tree.stmts[0].stmt
    target.Clear()
    getattr(target, node_name).CopyFrom(node)
    try:
        return str(postgast.deparse(tree))
    except PgQueryError as error:
        raise GrammarError(error.message, error.cursorpos or 0) from None


def printed(expression: Any) -> str:
    """An expression node as SQL, always in the same words; "" when it cannot be printed."""
    tree = _frame()
    target = tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val
    target.CopyFrom(expression)
    try:
        return str(postgast.deparse(tree)).removeprefix("SELECT ")
    except PgQueryError:
        return ""


def identifiers(sql: str) -> list[str]:
    """The names in a text in order, quoted ones without their quotes, at their whole length (the tree cuts them)."""
    try:
        tokens = postgast.scan(sql).tokens
    except PgQueryError:
        return []
    data = sql.encode()
    found = (data[t.start : t.end].decode(errors="replace") for t in tokens if t.token == _IDENTIFIER)
    return [n[1:-1].replace('""', '"') if n.startswith('"') else n.lower() for n in found]
