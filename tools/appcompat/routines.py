"""Functions whose bodies use what a migration takes away.

PostgreSQL keeps no record of what the text of a body uses. A body in SQL is checked by the server: the function is
defined again as it stands, and that is undone. A body in PL/pgSQL is read with PostgreSQL's own PL/pgSQL parser and compared
with what is gone; what it puts together at run time is not known. Source: manual, CREATE FUNCTION,
check_function_bodies; "Dependency Tracking".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from ..hazards import bodies
from ..sql import grammar

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or procedure with its body. tables: those whose triggers call it."""

    name: str
    language: str
    source: str
    definition: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """The routines, relations and columns of a schema. views: those relations that are views. refused: SQL routines that
    the server does not accept now, with SQLSTATE and message."""

    routines: dict[str, Routine]
    relations: frozenset[tuple[str, str]]
    columns: frozenset[tuple[str, str, str]]
    views: frozenset[tuple[str, str]]
    refused: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A routine that uses something that is gone. proven: the server refuses it; False when its text was read. dynamic: its
    text puts SQL together, so that nobody can tell."""

    routine: Routine
    what: str
    sqlstate: str = ""
    proven: bool = False
    dynamic: bool = False


def read(conn: Connection) -> Code:
    """The code of a sandbox's schema, and what the server says of it. Nothing stays changed."""
    rows = conn.execute(load("postgres", "appcompat_routines").encode()).fetchall()
    routines = {r[0]: Routine(r[0], r[1], r[2], r[3], tuple(r[4])) for r in rows}
    known = conn.execute(load("postgres", "appcompat_columns").encode()).fetchall()
    refused = {r.name: said for r in routines.values() if r.language == "sql" and (said := _refusal(conn, r))}
    return Code(
        routines,
        frozenset((s, t) for s, t, _, _ in known),
        frozenset((s, t, c) for s, t, c, _ in known if c is not None),
        frozenset((s, t) for s, t, _, view in known if view),
        refused,
    )


def broken(before: Code, after: Code) -> tuple[Broken, ...]:
    """The routines that were well before, and use something that is gone after."""
    gone_relations = before.relations - after.relations
    gone_columns = {c for c in before.columns - after.columns if c[:2] in after.relations}
    found: list[Broken] = []
    for name, routine in after.routines.items():
        if routine.language == "sql":
            if name in after.refused and name not in before.refused:
                state, message = after.refused[name]
                found.append(Broken(routine, message, state, proven=True))
        elif gone_relations or gone_columns:
            found += _read(routine, gone_relations, gone_columns, after)
    return tuple(found)


def _refusal(conn: Connection, routine: Routine) -> tuple[str, str] | None:
    import psycopg

    try:
        with conn.transaction(force_rollback=True):
            conn.execute("SET LOCAL check_function_bodies = on")
            conn.execute(routine.definition.encode(), binary=True)  # the extended protocol: one statement
    except psycopg.Error as error:
        return error.sqlstate or "XX000", error.diag.message_primary or "no message"
    return None


def _read(
    routine: Routine, relations: frozenset[tuple[str, str]], columns: set[tuple[str, str, str]], after: Code
) -> Iterator[Broken]:
    text = _readable(routine)
    body = bodies.plpgsql(text, routine.source)
    variables = _variables(text)
    said: set[str] = set()
    for inner in body.statements:
        for what in (*_relations(inner.node, relations, after), *_columns(inner.node, columns, after, variables)):
            if what not in said:
                said.add(what)
                yield Broken(routine, what)
    for schema, table, column in sorted(columns):
        named = re.search(rf"\b(?:new|old)\.\"?{re.escape(column)}\b", routine.source, re.IGNORECASE)
        if named and f"{schema}.{table}" in routine.tables:
            said.add(column)
            yield Broken(routine, f"NEW or OLD.{column}, which {schema}.{table} has no more")
    if body.opaque and not said:
        names = sorted({r[1] for r in relations} | {c[2] for c in columns})
        if used := [n for n in names if re.search(rf"\b{re.escape(n)}\b", routine.source, re.IGNORECASE)]:
            yield Broken(routine, f"SQL that it puts together at run time, and the word {used[0]}", dynamic=True)


def _readable(routine: Routine) -> str:
    """The definition as the PL/pgSQL parser takes it: of a trigger's function its library prints a tree that is no JSON,
    so the same body stands in a function that gets the trigger's variables as parameters."""
    if not re.search(r"\n RETURNS (?:event_)?trigger\n", routine.definition):
        return routine.definition
    tag = "agentdb"
    while f"${tag}$" in routine.source:
        tag += "_"
    variables = (
        "new record, old record, tg_op text, tg_name text, tg_table_name text, tg_table_schema text, tg_argv text[]"
    )
    return f"CREATE FUNCTION f({variables}) RETURNS record LANGUAGE plpgsql AS ${tag}${routine.source}${tag}$"


def _tables(node: Any) -> dict[str, tuple[str, str]]:
    """The relations of a statement by the name that it calls them: alias -> (schema or "", name)."""
    found = {}
    messages = [(node.DESCRIPTOR.name, node), *((m.DESCRIPTOR.name, m) for _, m in grammar.walk(node))]
    for kind, message in messages:
        if kind == "RangeVar":
            alias = str(message.alias.aliasname) if message.HasField("alias") else str(message.relname)
            found[alias] = (str(message.schemaname), str(message.relname))
    return found


def _relations(node: Any, gone: frozenset[tuple[str, str]], after: Code) -> Iterator[str]:
    there = {name for _, name in after.relations}
    for schema, name in _tables(node).values():
        for gone_schema, gone_name in sorted(gone):
            if name == gone_name and (schema == gone_schema or (not schema and name not in there)):
                yield f"{gone_schema}.{gone_name}, which is gone"


def _columns(node: Any, gone: set[tuple[str, str, str]], after: Code, variables: frozenset[str]) -> Iterator[str]:
    tables = _tables(node)
    there = {(t, c) for _, t, c in after.columns}
    for schema, table, column in sorted(gone):
        aliases = {alias for alias, (s, t) in tables.items() if t == table and s in ("", schema)}
        if not aliases:
            continue
        others = {t for alias, (_, t) in tables.items() if alias not in aliases}
        alone = not any((t, column) in there for t in others) and column not in variables
        if any(_means(message, column, aliases, alone) for message in (node, *(m for _, m in grammar.walk(node)))):
            yield f"{schema}.{table}.{column}, which is gone"


def _means(message: Any, column: str, aliases: set[str], alone: bool) -> bool:
    """Whether a piece of a statement means the column of one of the tables that it calls `aliases`."""
    kind = message.DESCRIPTOR.name
    if kind == "ColumnRef":
        parts = [str(f.string.sval) for f in message.fields if f.WhichOneof("node") == "string"]
        if not parts or parts[-1] != column:
            return False
        return parts[-2] in aliases if len(parts) > 1 else alone
    if kind in ("InsertStmt", "UpdateStmt"):
        own = str(message.relation.alias.aliasname) or str(message.relation.relname)
        targets = message.cols if kind == "InsertStmt" else message.target_list
        return own in aliases and any(str(t.res_target.name) == column for t in targets)
    return False


def _variables(definition: str) -> frozenset[str]:
    """The names of a PL/pgSQL function's parameters and variables, as far as its tree tells."""
    try:
        trees = grammar.function_body(definition)
    except (grammar.GrammarError, ValueError, RecursionError):
        return frozenset()
    found: set[str] = set()
    stack: list[Any] = list(trees)
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(name := item.get("refname"), str):
                found.add(name.lower())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return frozenset(found)
