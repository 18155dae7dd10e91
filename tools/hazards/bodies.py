"""What stands inside a DO block or a function: the statements that can be read, and those that cannot.

PL/pgSQL is read with PostgreSQL's own PL/pgSQL parser. Text that is put together at run time (EXECUTE of anything but
a plain string) is reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..sql import grammar

# Keys of the PL/pgSQL tree that hold an SQL statement which runs as it stands.
STATEMENTS = {"PLpgSQL_stmt_execsql": "sqlstmt", "PLpgSQL_stmt_perform": "expr", "PLpgSQL_stmt_call": "expr"}
QUERIES = {"PLpgSQL_stmt_fors": "query", "PLpgSQL_stmt_return_query": "query"}
DYNAMIC = {
    "PLpgSQL_stmt_dynexecute": "query",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_return_query": "dynquery",
    "PLpgSQL_stmt_open": "dynquery",
}


class Inner(NamedTuple):
    """A statement inside a body; `line` counts from 0 at the line where the body begins."""

    line: int
    text: str
    node_name: str
    node: Any


@dataclass(slots=True, eq=False, repr=False)
class Body:
    """The inside of a DO block or function. opaque: (line, what) that cannot be read. ends: it commits or rolls back."""

    statements: list[Inner] = field(default_factory=list)
    opaque: list[tuple[int, str]] = field(default_factory=list)
    ends: bool = False


def body_of_do(node: Any, text: str) -> Body:
    """The inside of a DO statement."""
    language, source = "plpgsql", ""
    for argument in node.args:
        element = argument.def_elem
        if element.defname == "language":
            language = str(element.arg.string.sval).lower()
        elif element.defname == "as":
            source = str(element.arg.string.sval)
    if language != "plpgsql":
        return Body(opaque=[(0, f"a block of {language}")])
    return plpgsql(text, source)


def plpgsql(text: str, source: str) -> Body:
    """The inside of a DO or CREATE FUNCTION statement in PL/pgSQL. `source` is its body."""
    made = Body()
    first = text[: max(text.find(source), 0)].count("\n") if source else 0
    try:
        trees = grammar.function_body(text)
    except (grammar.GrammarError, ValueError, RecursionError):
        return Body(opaque=[(first, "PL/pgSQL that the parser does not read")])
    for tree in trees:
        for name, stmt in _statements(tree):
            line = first + max(int(stmt.get("lineno", 1)) - 1, 0)
            if name in ("PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"):
                made.ends = True
            if name in DYNAMIC and (query := _query(stmt, DYNAMIC[name])):
                literal = _literal(query)
                if literal is None or not _add(made, line, literal):
                    made.opaque.append((line, "SQL that is put together at run time (EXECUTE)"))
            field_name = STATEMENTS.get(name) or QUERIES.get(name)
            if field_name and (query := _query(stmt, field_name)) and not _add(made, line, query):
                made.opaque.append((line, "a statement that the parser does not read"))
    return made


def sql_body(node: Any, source: str, text: str) -> Body:
    """The inside of an SQL function, in either form (a string, or BEGIN ATOMIC)."""
    made = Body()
    if node.HasField("sql_body"):
        for _, message in grammar.walk(node.sql_body):
            for name in ("select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"):
                if message.DESCRIPTOR.name == "Node" and message.WhichOneof("node") == name:
                    made.statements.append(Inner(0, text, name, getattr(message, name)))
        return made
    first = text[: max(text.find(source), 0)].count("\n") if source else 0
    if not _add(made, first, source):
        made.opaque.append((first, "a function body that the parser does not read"))
    return made


def _add(made: Body, line: int, sql: str) -> bool:
    """Parse a piece of SQL into the body; False when the grammar refuses it."""
    try:
        found = grammar.raw_statements(sql)
    except (grammar.GrammarError, ValueError):
        return False
    data = sql.encode()
    for raw in found:
        piece = data[raw.start : raw.start + raw.length].decode(errors="replace")
        below = data[: raw.start].count(b"\n") + len(piece) - len(piece.lstrip("\n"))
        made.statements.append(Inner(line + below, piece.strip(), raw.node_name, raw.node))
    return True


def _query(statement: dict[str, Any], name: str) -> str:
    return str(statement.get(name, {}).get("PLpgSQL_expr", {}).get("query", ""))


def _literal(expression: str) -> str | None:
    """The text of a plain string constant, or None for any other expression."""
    try:
        [statement] = grammar.raw_statements(f"SELECT {expression}")
    except (grammar.GrammarError, ValueError):
        return None
    targets = statement.node.target_list
    if len(targets) != 1:
        return None
    value = targets[0].res_target.val
    if value.WhichOneof("node") == "a_const" and value.a_const.HasField("sval"):
        return str(value.a_const.sval.sval)
    return None


def _statements(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every PL/pgSQL statement of a tree with its name, outer ones first."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, dict):
            stack.extend(reversed(item.values()))
            for name, value in item.items():
                if name.startswith("PLpgSQL_stmt_") and isinstance(value, dict):
                    yield name, value
