"""A new name that needs double quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ...records import Severity
from ...sql import grammar
from ...sql.effects import dotted, object_word
from ..registry import Category, Hit, rule
from ..step import Step

# Letters beyond ASCII are letters of a name as well (scan.l, ident_start).
PLAIN = re.compile(r"[a-z_\x80-\U0010ffff][a-z0-9_$\x80-\U0010ffff]*")
RENAMED = {
    "TABLE",
    "COLUMN",
    "INDEX",
    "VIEW",
    "MATERIALIZED VIEW",
    "FOREIGN TABLE",
    "SEQUENCE",
    "TYPE",
    "DOMAIN",
    "ATTRIBUTE",
}
MOST = 3


@rule(
    id="require-plain-name",
    title="Name that needs double quotes",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=(
        "create_stmt",
        "create_foreign_table_stmt",
        "create_table_as_stmt",
        "alter_table_stmt",
        "index_stmt",
        "view_stmt",
        "create_seq_stmt",
        "create_enum_stmt",
        "create_range_stmt",
        "composite_type_stmt",
        "create_domain_stmt",
        "rename_stmt",
    ),
    enabled=False,
    why="Names with upper case letters, blanks or other characters, and reserved words, are read as something else without "
    "double quotes: every query, and every tool that writes queries, has to quote them for good.",
    fix="Lower case letters, digits and underscores, and no reserved word.",
    bad='CREATE TABLE "Orders" (id bigint PRIMARY KEY, "user" text);',
    good="CREATE TABLE orders (id bigint PRIMARY KEY, user_name text);",
    source="Manual, section 4.1.1 Identifiers and Key Words; appendix C.",
)
def check(step: Step) -> Iterator[Hit]:
    quoted = [n for n in dict.fromkeys(_named(step)) if n and not is_plain(n)]
    if not quoted:
        return
    listed = _listed([_quoted(n) for n in quoted[:MOST]])
    more = f" (and {len(quoted) - MOST} more)" if len(quoted) > MOST else ""
    one = len(quoted) == 1
    yield Hit(
        f"{listed}{more} {'needs' if one else 'need'} double quotes wherever {'it is' if one else 'they are'} written. A query"
        " without quotes names something else, or is a syntax error.",
        f"Write {_listed([_better(n) for n in quoted[:MOST]])}.",
        objects=tuple(quoted[:MOST]),
    )


@lru_cache(maxsize=4096)
def is_plain(name: str) -> bool:
    """Whether PostgreSQL takes a name for a table and a column as it is, without quotes: its grammar is asked."""
    if not PLAIN.fullmatch(name):
        return False
    try:
        [statement] = grammar.raw_statements(f"CREATE TABLE {name} ({name} int)")
    except (grammar.GrammarError, ValueError):
        return False
    return bool(statement.node.relation.relname == name)


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _better(name: str) -> str:
    """A plain name in the place of one, or that another word is wanted."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    snake = re.sub(r"[^a-z0-9_\x80-\U0010ffff]+", "_", snake).strip("_")
    if is_plain(snake):
        return f"{snake} for {_quoted(name)}"
    return f"another word for {_quoted(name)}"


def _named(step: Step) -> Iterator[str]:
    """The names that the statement gives to something, as far as the rule speaks of it."""
    node = step.node
    match step.node_name:
        case "create_stmt" | "create_foreign_table_stmt":
            inner = node if step.node_name == "create_stmt" else node.base_stmt
            if inner.relation.relpersistence != "t":
                yield str(inner.relation.relname)
                yield from (str(e.column_def.colname) for e in inner.table_elts if e.HasField("column_def"))
        case "create_table_as_stmt":
            if node.into.rel.relpersistence != "t":
                yield str(node.into.rel.relname)
                yield from (str(n.string.sval) for n in node.into.col_names)
                if node.query.HasField("select_stmt"):
                    yield from (str(t.res_target.name) for t in node.query.select_stmt.target_list)
        case "alter_table_stmt":
            if not step.catalog.table(step.relation).temporary:
                yield from (a.name for a in step.acts("AddColumn"))
        case "index_stmt":
            yield str(node.idxname)
        case "view_stmt":
            if node.view.relpersistence != "t":
                yield str(node.view.relname)
                yield from (str(n.string.sval) for n in node.aliases)
                yield from (str(t.res_target.name) for t in node.query.select_stmt.target_list)
        case "create_seq_stmt":
            yield str(node.sequence.relname)
        case "create_enum_stmt" | "create_range_stmt":
            yield dotted(list(node.type_name)[-1:])
        case "composite_type_stmt":
            yield str(node.typevar.relname)
            yield from (str(e.column_def.colname) for e in node.coldeflist)
        case "create_domain_stmt":
            yield dotted(list(node.domainname)[-1:])
        case _:
            if object_word(node, "rename_type") in RENAMED:
                yield str(node.newname)
