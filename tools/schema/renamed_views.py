"""Whether two printed queries are one and the same but for renamed tables and columns.

The server keeps the names of a query's results through a rename and then spells them out: `SELECT orders.id FROM
public.orders` reads `SELECT purchases.number AS id FROM public.purchases` afterwards. So both trees are given the
names that go without saying, the old one the new names, and then they are compared without their places in the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..sql import grammar

if TYPE_CHECKING:
    from .renaming import Renaming


def same_query(old: str, new: str, renaming: Renaming, results: Mapping[str, str]) -> bool:
    """Whether `old`, its names exchanged, is the query `new`. False when either is no query to the grammar.

    results: the view's own columns that were renamed, old name -> new name.
    """
    try:
        before, after = grammar.raw_statements(old), grammar.raw_statements(new)
    except grammar.GrammarError:
        return False
    if [r.node_name for r in before] != ["select_stmt"] or [r.node_name for r in after] != ["select_stmt"]:
        return False
    for raw in (before[0], after[0]):
        _spell_out(raw.node)
    _rename(before[0].node, renaming)
    for item in before[0].node.target_list:
        item.res_target.name = results.get(item.res_target.name, item.res_target.name)
    return bool(_plain(before[0].node) == _plain(after[0].node))


def _spell_out(query: Any) -> None:
    """Give every table its alias and every result column its name."""
    for name, node in grammar.walk(query):
        if name == "range_var" and not node.HasField("alias"):
            node.alias.aliasname = node.relname
        elif name in ("select_stmt", "", "larg", "rarg") and hasattr(node, "target_list"):
            for item in node.target_list:
                target = item.res_target
                if not target.name and target.val.WhichOneof("node") == "column_ref":
                    last = target.val.column_ref.fields[-1]
                    if last.WhichOneof("node") == "string":
                        target.name = last.string.sval


def _rename(query: Any, renaming: Renaming) -> None:
    """Exchange the names of tables and, by alias, of their columns; types and functions by their qualified names."""
    aliases: dict[str, dict[str, str]] = {}
    everywhere: dict[str, str] = {}
    tables: dict[str, str] = {}
    for name, node in grammar.walk(query):
        if name == "range_var":
            columns = renaming.columns.get((node.schemaname, node.relname), {})
            aliases.setdefault(node.alias.aliasname, {}).update(columns)
            everywhere.update(columns)
            own_name = node.alias.aliasname == node.relname  # no alias: it follows the table
            node.schemaname, node.relname = renaming.name(node.schemaname, node.relname)
            if own_name:
                tables[node.alias.aliasname] = node.relname
                node.alias.aliasname = node.relname
        elif name in ("type_name", "func_call"):
            parts = node.names if name == "type_name" else node.funcname
            if len(parts) == 2:
                parts[0].string.sval, parts[1].string.sval = renaming.name(parts[0].string.sval, parts[1].string.sval)
    for name, node in grammar.walk(query):
        if name != "column_ref":
            continue
        words = [f.string for f in node.fields if f.WhichOneof("node") == "string"]
        if len(words) == 2:
            words[1].sval = aliases.get(words[0].sval, {}).get(words[1].sval, words[1].sval)
            words[0].sval = tables.get(words[0].sval, words[0].sval)
        elif len(words) == 1:
            words[0].sval = everywhere.get(words[0].sval, words[0].sval)


def _plain(message: Any) -> Any:
    """The tree as comparable data, without places in the text."""
    found = []
    for field, value in message.ListFields():
        if field.name.endswith(("location", "list_start", "list_end", "stmt_len")):
            continue
        if field.message_type is None:
            found.append((field.name, list(value) if field.is_repeated else value))
        else:
            found.append((field.name, [_plain(v) for v in value] if field.is_repeated else _plain(value)))
    return found
