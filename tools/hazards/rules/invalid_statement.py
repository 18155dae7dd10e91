"""Statements that the grammar takes and the server always refuses, whatever the schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Effect, Hit, rule
from ..shapes import strings
from ..step import Step
from ..words import shown


@rule(
    id="invalid-statement",
    title="PostgreSQL refuses the statement whatever the schema",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=(
        "insert_stmt",
        "update_stmt",
        "select_stmt",
        "delete_stmt",
        "merge_stmt",
        "create_stmt",
        "view_stmt",
        "alter_table_stmt",
        "create_table_as_stmt",
    ),
    acts=("AddColumn",),
    effect=Effect.FAILS,
    why="A column named twice, two primary keys for one table, more values than columns: the grammar takes such a "
    "statement, the server never does.",
    fix="Write each column once.",
    setup="CREATE TABLE orders (id bigint, note text);",
    bad="INSERT INTO orders (note, note) VALUES ('a', 'b');",
    good="INSERT INTO orders (id, note) VALUES (1, 'b');",
    source="parse_target.c, parse_utilcmd.c; SQLSTATE 42701, 42601, 42P16.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "create_stmt":
        yield from _create_table(step)
    elif step.node_name == "view_stmt":
        yield from _view(step)
    elif step.node_name == "alter_table_stmt":
        yield from _alter_table(step)
    else:
        yield from _queries(step)


def _refused(what: str, fix: str = "Name each column once.") -> Hit:
    return Hit(f"{what}, which PostgreSQL refuses. The migration stops here.", fix)


def _twice(items: list[str]) -> list[str]:
    if len(set(items)) == len(items):
        return []
    return [name for name, count in Counter(items).items() if count > 1]


def _queries(step: Step) -> Iterator[Hit]:
    for message in step.writes():
        if message.DESCRIPTOR.name == "InsertStmt":
            yield from _insert(message, step.text)
        elif message.DESCRIPTOR.name == "UpdateStmt":
            yield from _update(message)
    for message in step.messages("CommonTableExpr") if "with" in step.text.lower() else ():
        for name in _twice(list(strings(message.aliascolnames))):
            yield _refused(f"WITH {shown(str(message.ctename))} names column {shown(name)} twice")


def _insert(node: Any, text: str) -> Iterator[Hit]:
    columns = [str(c.res_target.name) for c in node.cols if not c.res_target.indirection]
    for name in _twice(columns):
        yield _refused(f"The INSERT names column {shown(name)} twice")
    values = node.select_stmt.select_stmt.values_lists
    lengths = {len(v.list.items) for v in values}
    if len(lengths) > 1:
        yield _refused("The rows of VALUES have different lengths", "Give every row the same number of values.")
    elif columns and len(columns) == len(node.cols) and lengths and ("*" not in text or _plain(values)):
        [length] = lengths
        if length > len(columns):
            yield _refused("The INSERT has more values than columns", "Give each column one value.")
        elif length < len(columns):
            yield _refused("The INSERT has more columns than values", "Give each column one value.")
    if node.HasField("on_conflict_clause"):
        yield from _assigned(node.on_conflict_clause.target_list)


def _plain(values: Any) -> bool:
    """Whether every value counts as one: no `(row).*` among them."""
    return not any(m.DESCRIPTOR.name == "A_Star" for v in values for _, m in grammar.walk(v))


def _update(node: Any) -> Iterator[Hit]:
    yield from _assigned(node.target_list)


def _assigned(targets: Any) -> Iterator[Hit]:
    columns = [str(t.res_target.name) for t in targets if not t.res_target.indirection]
    for name in _twice(columns):
        yield _refused(f"The UPDATE sets column {shown(name)} twice", "Set each column once.")


def _create_table(step: Step) -> Iterator[Hit]:
    form = step.form
    for name in _twice([c.name for c in form.columns]):
        if not step.node.HasField("of_typename"):
            yield _refused(f"The table has column {shown(name)} twice")
    if sum(c.kind == "primary key" for c in form.constraints) > 1:
        yield _refused("The table has two primary keys", "Keep one PRIMARY KEY; make the other UNIQUE.")
    names = [c.name for c in form.constraints if c.name and c.kind != "foreign key"]
    for name in _twice(names):
        yield _refused(f"The table has constraint {shown(name)} twice", "Give each constraint a name of its own.")
    known = {c.name for c in form.columns}
    closed = not step.node.inh_relations and not step.node.HasField("of_typename")
    likes = any(e.WhichOneof("node") == "table_like_clause" for e in step.node.table_elts)
    if closed and not likes:
        for constraint in form.constraints:
            for name in constraint.columns:
                if name not in known and constraint.kind in ("primary key", "unique", "foreign key"):
                    yield _refused(
                        f"The {constraint.kind} names column {shown(name)}, which the table has not", "Mend the name."
                    )


def _view(step: Step) -> Iterator[Hit]:
    aliases = list(strings(step.node.aliases))
    for name in _twice(aliases):
        yield _refused(f"The view names column {shown(name)} twice")
    query = step.node.query.select_stmt
    targets = list(query.target_list)
    stars = any(m.DESCRIPTOR.name == "A_Star" for t in targets for _, m in grammar.walk(t))
    if targets and not stars and len(aliases) > len(targets):
        yield _refused("The view names more columns than its query has", "Name as many columns as the query returns.")
    if targets and not stars and not aliases:
        names = [n for t in targets if (n := _output_name(t.res_target))]
        for name in _twice(names):
            yield _refused(f"Two columns of the view would be called {shown(name)}", "Give one of them another alias.")


def _output_name(target: Any) -> str:
    """The name of a query's column where the text gives it; "" where PostgreSQL makes one up."""
    if target.name:
        return str(target.name)
    if target.val.WhichOneof("node") == "column_ref":
        last = target.val.column_ref.fields[-1]
        return str(last.string.sval) if last.WhichOneof("node") == "string" else ""
    return ""


def _alter_table(step: Step) -> Iterator[Hit]:
    added = [a.name for a in step.acts("AddColumn") if not a.missing_ok]
    for name in _twice(added):
        yield _refused(f"Column {shown(name)} is added twice", "Add each column once.")
