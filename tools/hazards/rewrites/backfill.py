"""UPDATE and DELETE of many rows, a batch at a time."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident, qualified
from ..rewriting.batches import OLDEST_BY_PAGE, by_key, by_page
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import copy_of
from ..shapes import column_references


@rewriter(
    rules=("require-where", "unbatched-backfill", "holding-lock-during-work"),
    on=("update_stmt", "delete_stmt", "insert_stmt", "select_stmt", "merge_stmt"),
    form="a `DO` block that walks the table by its key, 1,000 rows at a time, and commits after each batch; where a row may "
    "not be written twice, a table keeps how far it came",
)
def rewrite(place: Place) -> list[Part] | None:
    node = place.node
    if place.step.node_name not in ("update_stmt", "delete_stmt"):
        if place.rules & {"require-where", "unbatched-backfill"}:
            raise NoForm("the rows are changed inside a WITH of another statement, which cannot be cut into batches")
        return None
    if not place.rules & {"require-where", "unbatched-backfill"}:
        return None  # under a lock of others it need only move; see long_work
    update = place.step.node_name == "update_stmt"
    if node.HasField("with_clause") or node.HasField("returning_clause"):
        raise NoForm("a statement WITH other statements, or RETURNING rows, cannot be cut into batches")
    _refuse_other_rows(place)
    key = place.key()
    changed = {str(t.res_target.name) for t in node.target_list} if update else set()
    if changed & set(key):
        raise NoForm("it changes the key that the batches go by")
    alias = str(node.relation.alias.aliasname) if node.relation.HasField("alias") else ""
    own = ident(alias) if alias else place.sql
    write = _open_ended(place)
    again = update and _may_not_be_done_twice(node, changed)
    if not key:
        if update or place.version < OLDEST_BY_PAGE:
            raise NoForm(f"{place.sql} has no key to walk by")
        return [Part(by_page(place.sql, write, alias=own), Room.OUTSIDE, 1, "batches", writes=(place.sql,))]
    if not again:
        return [Part(by_key(place.sql, key, write, alias=own), Room.OUTSIDE, 1, "batches", writes=(place.sql,))]
    checkpoint = qualified(place.relation.schemaname, place.name(place.short, "progress"))
    columns = ", ".join(ident(k) for k in key)
    block = by_key(place.sql, key, write, alias=own, checkpoint=checkpoint)
    return [
        Part(f"CREATE TABLE {checkpoint} AS SELECT {columns} FROM {place.sql} WITH NO DATA"),
        Part(block, Room.OUTSIDE, 1, "batches", writes=(place.sql,)),
        Part(f"DROP TABLE {checkpoint}", phase=2, step="finish"),
    ]


def _refuse_other_rows(place: Place) -> None:
    """A statement that reads the table that it writes would see its own earlier batches."""
    own = place.short
    seen = [m for _, m in grammar.walk(place.node) if m.DESCRIPTOR.name == "RangeVar" and m.relname == own]
    if len(seen) > 1:
        raise NoForm(f"it reads {place.sql}, which it changes: later batches would see what earlier ones wrote")


def _open_ended(place: Place) -> str:
    """The statement up to its last condition, so that one more can follow with AND."""
    node = copy_of(place.node)
    condition = grammar.printed(node.where_clause) if node.HasField("where_clause") else "true"
    node.ClearField("where_clause")
    text = grammar.statement_text(place.step.node_name, node)
    return f"{text}\n    WHERE ({condition})"


def _may_not_be_done_twice(node: Any, changed: set[str]) -> bool:
    """Whether a row's new values depend on the old ones of the same columns (n = n + 1)."""
    read = {c for t in node.target_list for c in column_references(t.res_target.val)}
    return bool(read & changed)
