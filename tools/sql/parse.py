"""A script as statements: what each does, its place in the file, and what of it the grammar does not accept."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Any, NamedTuple

from ..records import Span, Statement
from . import grammar
from .effects import Effects, effects_of


class Parsed(NamedTuple):
    """A statement with its tree: `node_name` and `node` are the parser's ("index_stmt", message); None when the
    grammar rejects this piece of the script."""

    statement: Statement
    node_name: str
    node: Any


class SyntaxProblem(NamedTuple):
    """The first thing that PostgreSQL's grammar rejects, in the server's words; line and column count from 1."""

    message: str
    line: int
    column: int


class Script(NamedTuple):
    """A whole script. When `problem` is set, statements are the scanner's pieces and some have no tree."""

    sql: str
    statements: tuple[Parsed, ...]
    problem: SyntaxProblem | None = None
    comments: tuple[grammar.Comment, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.statements

    def line_at(self, offset: int) -> int:
        """The line (from 1) of a byte offset."""
        return self.sql.encode()[:offset].count(b"\n") + 1


class _Lines:
    """Byte offset -> (line, column), both from 1."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.starts = [0]
        at = data.find(b"\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = data.find(b"\n", at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        start = self.starts[line - 1]
        return line, len(self.data[start:offset].decode(errors="replace")) + 1


@lru_cache(maxsize=64)
def parse(sql: str, *, objects: bool = True) -> Script:
    """The script's statements, with byte ranges that leave out surrounding blanks and comments and the semicolon.

    objects: False leaves creates, drops, changes and reads empty, for those who look at the trees themselves. A syntax
    error is told, not raised: `problem` has the first, and every piece that the grammar accepts on its own still carries
    its tree. Source: PostgreSQL 18's own grammar.
    """
    sql = sql.removeprefix("\ufeff")
    data = sql.encode()
    lines = _Lines(data)
    notes = tuple(grammar.comments(sql))
    try:
        found = [(r.node_name, r.node, r.start, r.start + r.length) for r in grammar.raw_statements(sql)]
        problem = None
    except grammar.GrammarError as error:
        place = lines.place(len(sql[: max(error.position - 1, 0)].encode()))
        problem = SyntaxProblem(error.message, *place)
        found = _by_piece(sql)
    ends = {c.start: c.end for c in notes}
    parsed = []
    for index, (name, node, start, end) in enumerate(found):
        start = _past_blanks(data, start, end, ends)
        text = data[start:end].decode().rstrip()
        line, column = lines.place(start)
        does = effects_of(name, node, objects=objects) if node is not None else Effects("UNKNOWN", transactional=None)
        parsed.append(
            Parsed(
                Statement(
                    index=index,
                    text=text,
                    span=Span(start, start + len(text.encode()), line, column),
                    kind=does.kind,
                    creates=does.creates,
                    drops=does.drops,
                    changes=does.changes,
                    reads=does.reads,
                    transactional=does.transactional,
                ),
                name,
                node,
            )
        )
    return Script(sql, tuple(parsed), problem, notes)


def _past_blanks(data: bytes, start: int, end: int, comment_ends: dict[int, int]) -> int:
    """Where the statement itself starts: past white space and whole comments."""
    while start < end:
        if start in comment_ends:
            start = comment_ends[start]
        elif data[start : start + 1].isspace():
            start += 1
        else:
            break
    return start


def _by_piece(sql: str) -> list[tuple[str, Any, int, int]]:
    """The scanner's pieces, each with its tree where the grammar accepts it alone."""
    found: list[tuple[str, Any, int, int]] = []
    data, at = sql.encode(), 0
    for piece in grammar.pieces(sql):
        raw = piece.encode()
        start = data.find(raw, at)
        if start < 0:
            continue
        at = start + len(raw)
        try:
            inner = grammar.raw_statements(piece)
        except grammar.GrammarError:
            found.append(("", None, start, at))
            continue
        found.extend((r.node_name, r.node, start + r.start, start + r.start + r.length) for r in inner)
    return found
