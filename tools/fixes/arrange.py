"""The parts of a rewrite as files: what may share a transaction, what needs one of its own, what can be in none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..hazards.rewriting.registry import Part, Room
from ..hazards.rewriting.walk import Rewritten, untouched
from ..records import Statement
from ..sql import grammar
from ..sql.parse import Parsed, Script, parse

DATA = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "DO", "CALL", "COPY", "CREATE TABLE AS")
TIMEOUTS = ("lock_timeout", "statement_timeout")


class Unfit(Exception):
    """The file cannot be cut into steps; the text says why, as a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement of the rewrite. index: the original's statement that it comes from. original: it is that one, word
    for word. block: pieces of different blocks do not share a transaction. setting: it sets something for the rest."""

    part: Part
    index: int
    original: bool = False
    block: int = 0
    setting: bool = False


@dataclass(slots=True)
class Group:
    """The statements of one file. alone: each runs by itself, outside of a transaction around the file."""

    alone: bool
    pieces: list[Piece] = field(default_factory=list)

    @property
    def header(self) -> bool:
        """Whether the file has to say that no transaction goes around it."""
        return self.alone and (len(self.pieces) > 1 or self.pieces[0].part.room is Room.OUTSIDE)

    @property
    def step(self) -> str:
        """The word for the file's name."""
        return next((p.part.step for p in self.pieces if p.part.step), "rest")


def arrangements(
    script: Script, made: Mapping[int, Rewritten], *, transactional: bool, at_once: str = ""
) -> list[list[Group]]:
    """Ways to put a rewrite into files, the best first: what can wait after everything else; in the order of the
    original; all in one file whose statements each run by themselves.

    transactional: a runner wraps the original in a transaction. at_once: why everything has to be done before the next
    migration, so that one file is the only way; "" when it has not. Errors: Unfit.
    """
    pieces = list(_pieces(script, made, transactional))
    settings = [p for p in pieces if p.setting]
    rest = [p for p in pieces if not p.setting]
    if not rest:
        raise Unfit("nothing of the file would be left")
    several = [_groups(rest, settings, script)]
    if not _rows_are_used(script, made):
        several.insert(0, _groups(sorted(rest, key=lambda p: p.part.phase), settings, script))
    one = [] if any(p.part.bond for p in rest) else [_single(rest, settings, script)]
    found: list[list[Group]] = []
    if at_once:
        several = [groups for groups in several if len(groups) == 1]
    if not (one or several):
        raise Unfit(at_once)
    for groups in [*several, *one] if transactional else [*one, *several]:
        if groups not in found:
            found.append(groups)
    return found


def _rows_are_used(script: Script, made: Mapping[int, Rewritten]) -> bool:
    """Whether rows that a rewritten statement changes may be read or changed by a later one that stays as it is: then
    nothing may be put off, since the sandbox's rows need not show the difference."""
    for number in made:
        mine = script.statements[number].statement
        later = [p.statement for p in script.statements[number + 1 :] if p.statement.index not in made]
        writes = mine.kind in DATA or any(p.writes for p in made[number].parts)
        if writes and any(s.kind in DATA or _names(s) & _names(mine) for s in later):
            return True
    return False


def _names(statement: Statement) -> set[str]:
    """The bare names of the relations that a statement speaks of."""
    return {n.rpartition(".")[2] for n in (*statement.changes, *statement.reads, *statement.drops)}


def uses(sql: str, tables: Collection[str]) -> bool:
    """Whether a script reads or changes rows of these tables (as SQL), as far as its text tells."""
    wanted = {t.rpartition(".")[2].strip('"') for t in tables}
    return any(p.statement.kind in DATA and _names(p.statement) & wanted for p in parse(sql).statements)


def _pieces(script: Script, made: Mapping[int, Rewritten], transactional: bool) -> Iterator[Piece]:
    block = 0
    inside = False
    for number, parsed in enumerate(script.statements):
        kind = steers(parsed)
        if kind in ("BEGIN", "START", "COMMIT"):
            inside = kind != "COMMIT"
            block += 1
            continue
        if kind:
            raise Unfit(f"line {parsed.statement.span.line}: {kind} steers the file's own transaction")
        if parsed.node is None:
            raise Unfit(f"line {parsed.statement.span.line}: PostgreSQL does not understand the statement")
        if not (transactional or inside):
            block += 1
        if number in made and made[number].rules:
            for part in made[number].parts:
                yield Piece(part, number, block=block)
        else:
            setting = parsed.node_name == "variable_set_stmt"
            yield Piece(untouched(script, number), number, True, block, setting)


def steers(parsed: Parsed) -> str:
    """BEGIN, COMMIT, ROLLBACK, ... for a statement that begins or ends transactions, else ""."""
    if parsed.node_name != "transaction_stmt":
        return ""
    kind = grammar.enum_name(parsed.node, "kind").removeprefix("TRANS_STMT_")
    return "" if kind in ("SAVEPOINT", "RELEASE", "ROLLBACK_TO") else kind


def _groups(pieces: Sequence[Piece], settings: Sequence[Piece], script: Script) -> list[Group]:
    groups: list[Group] = []
    for piece in pieces:
        last = groups[-1] if groups else None
        part = piece.part
        if part.room is not Room.TOGETHER or (last and last.alone and not piece.original and not part.bond):
            if last is None or not last.alone:
                groups.append(last := Group(True))
        elif last is None or last.alone or not _fits(last, piece):
            groups.append(last := Group(False))
        last.pieces.append(piece)
    for group in groups:
        if group.alone and len(group.pieces) == 1 and group.pieces[0].part.room is Room.OWN:
            group.alone = False
        group.pieces[:0] = _set_again(settings, group.alone, script)
    return groups


def _fits(group: Group, piece: Piece) -> bool:
    """Whether a piece may share the group's transaction."""
    blocks = {p.block for p in group.pieces if p.original}
    return not (piece.original and blocks and piece.block not in blocks)


def _single(pieces: Sequence[Piece], settings: Sequence[Piece], script: Script) -> list[Group]:
    return [Group(True, [*_set_again(settings, True, script), *pieces])]


def _set_again(settings: Sequence[Piece], alone: bool, script: Script) -> list[Piece]:
    """The file's own settings for a part of it. Where each statement runs by itself SET LOCAL would be lost, and a
    limit on waiting would leave an invalid index behind CONCURRENTLY."""
    if not alone:
        return list(settings)
    made = []
    for piece in settings:
        node: Any = script.statements[piece.index].node
        if node.name in TIMEOUTS:
            continue
        own = type(node)()
        own.CopyFrom(node)
        own.is_local = False
        made.append(replace(piece, part=Part(grammar.statement_text("variable_set_stmt", own))))
    return made
