"""What a rewrite may hold when nobody vouches for it: the original's own statements, and steps that change no row.

A proof over synthetic rows cannot see what a statement does to rows that only production has. So before any proof the
text is held to a short list: every statement is one of the original's, word for word, or builds or drops an index
CONCURRENTLY, adds, validates or drops a constraint, sets NOT NULL, attaches or detaches a partition, on relations that the
original names. What is not on the list is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..hazards import bodies
from ..hazards.shapes import actions_of
from ..hazards.volatility import CALM
from ..rollback.untrusted import without_comments
from ..sandbox import guard
from ..sql import grammar
from ..sql.effects import effects_of
from ..sql.parse import Parsed, Script, parse

LONGEST = 20_000  # characters
MOST = 60  # statements
ACTIONS = frozenset(
    "AddConstraint ValidateConstraint SetNotNull DropConstraint AttachPartition DetachPartition".split()
)

__all__ = ["objections", "without_comments"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the original says: its statements in one canonical form, and the names in them."""

    statements: frozenset[str]
    names: frozenset[str]
    drops: frozenset[str]


def objections(sql: str, original: str) -> tuple[str, ...]:
    """Why the rewrite is not even tried, in words; () for one that may be."""
    if len(sql) > LONGEST:
        return (f"it is longer than {LONGEST} characters",)
    script = parse(sql)
    if script.problem:
        return (f"it does not parse: line {script.problem.line}: {script.problem.message}",)
    if not 0 < len(script.statements) <= MOST:
        return (f"it holds no statement, or more than {MOST}",)
    known = _known(parse(original))
    made = {n for p in script.statements if p.node_name == "index_stmt" for n in p.statement.creates}
    added = {
        a.constraint.name
        for p in script.statements
        if p.node_name == "alter_table_stmt"
        for a in actions_of(p.node)
        if a.constraint is not None
    }
    found = [f"line {r.line}: {r.why}" for r in guard.refusals(script)]
    for parsed in script.statements:
        if _form(parsed) not in known.statements:
            line = parsed.statement.span.line
            found += [f"line {line}: {why}" for why in _objections(parsed, known, made, added)]
    return tuple(dict.fromkeys(found))


def _known(script: Script) -> _Known:
    statements = [p for p in script.statements if p.node is not None]
    does = [effects_of(p.node_name, p.node) for p in statements]
    for parsed in statements:
        if parsed.node_name == "do_stmt":  # what its block names, as far as it can be read
            inside = bodies.body_of_do(parsed.node, parsed.statement.text).statements
            does += [effects_of(i.node_name, i.node) for i in inside]
    return _Known(
        statements=frozenset(filter(None, map(_form, statements))),
        names=frozenset(n for d in does for n in (*d.creates, *d.changes, *d.drops, *d.reads)),
        drops=frozenset(n for d in does for n in d.drops),
    )


def _form(parsed: Parsed) -> str:
    """The statement in one canonical form; "" when it has none."""
    try:
        return grammar.statement_text(parsed.node_name, parsed.node) if parsed.node is not None else ""
    except grammar.GrammarError:
        return ""


def _objections(parsed: Parsed, known: _Known, made: set[str], added: set[str]) -> Iterator[str]:
    statement, node = parsed.statement, parsed.node
    if why := guard.skipped(parsed):
        yield why
    for _, message in grammar.walk(node):
        if message.DESCRIPTOR.name == "FuncCall":
            name = str(message.funcname[-1].string.sval)
            if name not in CALM:
                yield f"{name}() is not a function that such a rewrite may call"
        elif message.DESCRIPTOR.name in ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt"):
            yield f"{statement.kind} reads or changes rows, and is not a statement of the original"
    strange = [n for n in statement.changes if n not in known.names | made]
    match parsed.node_name:
        case "index_stmt" if node.concurrent:
            pass
        case "drop_stmt" if node.concurrent:
            strange += [n for n in statement.drops if n not in known.drops]
        case "alter_table_stmt":
            for action in actions_of(node):
                if action.kind not in ACTIONS:
                    yield f"{statement.kind} ... {action.kind} is not a step that such a rewrite may take"
                taken = any(d.endswith(f".{action.name}") for d in known.drops)
                if action.kind == "DropConstraint" and action.name not in added and not taken:
                    yield f"it drops constraint {action.name}, which it did not add"
        case _:
            yield f"{statement.kind} is neither a statement of the original nor a step that changes no row"
    for name in strange:
        yield f"{statement.kind} names {name}, which the original does not"
