"""What a drafted rollback may hold when nobody vouches for it: nothing but the undoing of its migration.

A proof over synthetic rows cannot see what a statement does to rows that only production has (`DELETE ... WHERE id >
1000000`). So before any proof the text itself is held to a short list: kinds of statement that change schema or rows,
objects that the migration changed, columns that it changed, bodies of functions that were there before, functions
that reach no further than a value. What is not on the list is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..sandbox import guard
from ..schema.ddl.closure import different
from ..schema.model import ObjectId
from ..sql import grammar
from ..sql.parse import Parsed, parse
from .study import Study
from .written import _HARMLESS

LONGEST = 40_000  # characters
MOST = 200  # statements

STATEMENTS = frozenset(
    """create_stmt index_stmt view_stmt create_table_as_stmt drop_stmt rename_stmt alter_table_stmt
    alter_object_schema_stmt alter_owner_stmt create_enum_stmt alter_enum_stmt composite_type_stmt create_range_stmt
    create_domain_stmt alter_domain_stmt create_seq_stmt alter_seq_stmt create_function_stmt alter_function_stmt
    create_trig_stmt create_policy_stmt alter_policy_stmt rule_stmt comment_stmt grant_stmt create_schema_stmt
    create_stats_stmt alter_stats_stmt alter_default_privileges_stmt create_publication_stmt alter_publication_stmt
    define_stmt create_op_class_stmt create_op_family_stmt refresh_mat_view_stmt insert_stmt update_stmt delete_stmt
    select_stmt variable_set_stmt constraints_set_stmt lock_stmt""".split()
)
# Those that run expressions over rows at once, where the others only write them down.
_RUNNING = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "create_table_as_stmt"})
# Of the server, or of the connection to another one: not to be dropped or spoken of by such a draft.
KINDS = re.compile(
    r"OBJECT_(LARGEOBJECT|EXTENSION|FDW|FOREIGN_SERVER|LANGUAGE|EVENT_TRIGGER|ACCESS_METHOD|SUBSCRIPTION)"
)
SETTINGS = frozenset({"check_function_bodies", "row_security", "search_path"})
# Of what is harmless in a migration, what outlives a transaction or waits.
_LASTING = frozenset({"set_config", "pg_advisory_lock", "pg_advisory_xact_lock"})
_PLAIN = (_HARMLESS - _LASTING) | frozenset(
    """to_date to_number jsonb_typeof pg_input_is_valid to_tsvector to_tsquery char_length octet_length date_part
    make_date make_timestamptz starts_with num_nulls num_nonnulls initcap lpad rpad ltrim rtrim repeat sign mod power
    sqrt jsonb_array_length json_typeof array_position array_cat array_to_string string_to_array cardinality lower_inc
    int4range int8range numrange tsrange tstzrange daterange isempty statement_timestamp transaction_timestamp""".split()
)
_ROWS = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "merge"}


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What the migration changed, by names as a script writes them."""

    names: frozenset[str]
    columns: frozenset[tuple[str, str]]  # (table, column), both by their bare names
    routines: frozenset[str]
    views: frozenset[str]
    bodies: frozenset[str]
    tables: dict[str, ObjectId | None]  # with rows that may change: the table of before, None for one that is new


def without_comments(sql: str) -> str:
    """The script without its comments: what a draft says about itself is not passed on."""
    data = sql.removeprefix("\ufeff").encode()
    for comment in sorted(parse(sql).comments, key=lambda c: c.start, reverse=True):
        data = data[: comment.start] + b" " + data[comment.end :]
    return "\n".join(line.rstrip() for line in data.decode().splitlines() if line.strip()) + "\n"


def objections(sql: str, study: Study) -> tuple[str, ...]:
    """Why the draft is not even tried, in words; () for one that may be."""
    if len(sql) > LONGEST:
        return (f"it is longer than {LONGEST} characters",)
    script = parse(sql)
    if script.problem:
        return (f"it does not parse: line {script.problem.line}: {script.problem.message}",)
    if script.empty:
        return ("it holds no statement",)
    if len(script.statements) > MOST:
        return (f"it holds more than {MOST} statements",)
    allowed = _allowed(study)
    found = [f"line {r.line}: {r.why}" for r in guard.refusals(script)]
    for parsed in script.statements:
        line = parsed.statement.span.line
        found += [f"line {line}: {why}" for why in _objections(parsed, allowed, study)]
    return tuple(dict.fromkeys(found))


def _objections(parsed: Parsed, allowed: _Allowed, study: Study) -> Iterator[str]:
    statement = parsed.statement
    if parsed.node is None or parsed.node_name not in STATEMENTS:
        yield f"{statement.kind} has no place in a draft that nobody vouches for"
        return
    if why := guard.skipped(parsed):
        yield why
    if statement.transactional is False:
        yield f"{statement.kind} cannot stand in the rollback's transaction"
    if kind := _kind(parsed):
        yield f"{statement.kind} speaks of a {kind}"
    others = () if parsed.node_name == "create_stmt" else statement.changes  # there: parents, which stay as they are
    for name in (*statement.creates, *statement.drops, *others):
        if name and name not in allowed.names:
            yield f"{statement.kind} names {name}, which the migration does not change"
    if parsed.node_name == "variable_set_stmt" and not (parsed.node.is_local and parsed.node.name in SETTINGS):
        yield f"SET {parsed.node.name} is not SET LOCAL of {', '.join(sorted(SETTINGS))}"
    if parsed.node_name == "create_function_stmt":
        yield from _function(parsed, allowed)
    if parsed.node_name == "alter_table_stmt":
        yield from _conversions(parsed, allowed)
    running = parsed.node_name in _RUNNING
    for _, message in grammar.walk(parsed.node):
        name = message.DESCRIPTOR.name
        if name == "FuncCall":
            yield from _call(message, allowed, running)
        elif name in _ROWS:
            yield from _rows(message, _ROWS[name], allowed, study)
        elif name == "RangeVar" and running and _title(message) in allowed.views:
            yield f"{statement.kind} reads the view {_title(message)}, which may run anything"


def _call(node: Any, allowed: _Allowed, running: bool) -> Iterator[str]:
    """The database's own functions may stand in what is made anew (a view, a default), but are not run."""
    name = str(node.funcname[-1].string.sval).lower() if node.funcname else ""
    if name not in _PLAIN and (running or name not in allowed.routines):
        yield f"{name}() is not a function that such a draft may call"


def _title(node: Any) -> str:
    return ".".join(x for x in (str(node.schemaname), str(node.relname)) if x)


def _kind(parsed: Parsed) -> str:
    for field in ("objtype", "object_type", "remove_type", "rename_type"):
        if field in parsed.node.DESCRIPTOR.fields_by_name and (
            found := KINDS.fullmatch(grammar.enum_name(parsed.node, field))
        ):
            return found[1].lower().replace("_", " ")
    return ""


def _function(parsed: Parsed, allowed: _Allowed) -> Iterator[str]:
    """A body that was there before is trusted as much as the history that made it; any other may do anything."""
    for option in parsed.node.options:
        found = option.def_elem
        if found.defname == "language" and str(found.arg.string.sval).lower() not in ("sql", "plpgsql"):
            yield "a function in another language than sql and plpgsql"
        if found.defname == "as":
            for item in found.arg.list.items:
                if str(item.string.sval).strip() not in allowed.bodies:
                    yield "the function's body is not one that was there before"
    if parsed.node.HasField("sql_body"):
        yield "the function's body is not one that was there before"


def _conversions(parsed: Parsed, allowed: _Allowed) -> Iterator[str]:
    table = str(parsed.node.relation.relname)
    for node in parsed.node.cmds:
        command = node.alter_table_cmd
        converts = grammar.enum_name(command, "subtype") == "AT_AlterColumnType"
        if converts and (table, str(command.name)) not in allowed.columns:
            yield f"ALTER COLUMN {command.name} TYPE: the migration does not change that column"
        for _, message in grammar.walk(command) if converts else ():
            if message.DESCRIPTOR.name == "FuncCall":
                yield from _call(message, allowed, running=True)


def _rows(node: Any, kind: str, allowed: _Allowed, study: Study) -> Iterator[str]:
    """Rows may be changed only as far as the migration changed them."""
    name = _title(node.relation)
    if kind == "merge":
        yield "MERGE has no place in a draft that nobody vouches for"
        return
    if name not in allowed.tables:
        yield f"{kind.upper()} {name}: not one table that the migration touches"
        return
    table = allowed.tables[name]
    if table is None:
        return
    did = study.written.kinds.get(table, frozenset())
    there = study.new.at(study.old.by_id.get(table)) is not None
    if kind == "insert" and there and "delete" not in did:
        yield f"INSERT INTO {name}: the migration takes no rows from that table"
    if kind == "delete" and "insert" not in did:
        yield f"DELETE FROM {name}: the migration adds no rows to that table"
    if kind == "update":
        columns = study.written.columns.get(table)
        free = "update" in did and columns is None
        for target in node.target_list:
            column = str(target.res_target.name)
            known = (name.split(".")[-1], column) in allowed.columns
            if not (free or known or column in (columns or ())):
                yield f"UPDATE {name} sets {column}: the migration does not change that column"


def _allowed(study: Study) -> _Allowed:
    before, after = study.before, study.after
    names: set[str] = set()
    columns: set[tuple[str, str]] = set()
    for id in {*before.objects, *after.objects}:
        a, b = before.objects.get(id), after.objects.get(id)
        if a is not None and b is not None and not different(a.properties, b.properties):
            continue
        bare = id.name.split("(")[0]
        if id.parent:
            names |= {id.parent, f"{id.schema}.{id.parent}"}
            names |= {f"{id.parent}.{bare}", f"{id.schema}.{id.parent}.{bare}"}
        if not id.parent or id.kind == "index":
            names |= {bare, f"{id.schema}.{bare}"}
        if id.kind == "column":
            columns.add((id.parent, id.name))
    tables: dict[str, ObjectId | None] = {}
    for snapshot in (before, after):
        for table in snapshot.of("table"):
            known: ObjectId | None = table.id
            if snapshot is after:
                found = study.old.at(study.new.by_id.get(table.id))
                known = found.id if found else None
            if f"{table.id.schema}.{table.id.name}" in names or known in study.written.kinds:
                tables[f"{table.id.schema}.{table.id.name}"] = known
    names |= tables.keys()
    every = Counter(
        t.split(".", 1)[1] for t in {f"{o.id.schema}.{o.id.name}" for s in (before, after) for o in s.of("table")}
    )
    for title, known in list(tables.items()):
        name = title.split(".", 1)[1]
        if every[name] == 1:  # else it has to say which one
            tables[name] = known
            names.add(name)
    before_routines = [o for kind in _ROUTINES for o in before.of(kind)]
    bodies = {m[2].strip() for o in before_routines for m in _BODY.finditer(str(o.properties.get("definition")))}
    routines = {o.id.name.split("(")[0].lower() for o in before_routines}
    views = {n for s in (before, after) for o in s.of("view") for n in (o.id.name, f"{o.id.schema}.{o.id.name}")}
    return _Allowed(
        frozenset(names), frozenset(columns), frozenset(routines), frozenset(views), frozenset(bodies), tables
    )


_ROUTINES = ("function", "procedure", "aggregate")
_BODY = re.compile(r"(\$\w*\$)(.*?)\1", re.DOTALL)  # as pg_get_functiondef prints it
