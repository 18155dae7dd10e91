"""SET TABLESPACE, SET LOGGED / UNLOGGED, SET ACCESS METHOD."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown, waits

WORDS = {
    "AT_SetTableSpace": "SET TABLESPACE copies the whole file",
    "AT_SetLogged": "SET LOGGED rewrites the table and writes all of it to the WAL",
    "AT_SetUnLogged": "SET UNLOGGED rewrites the table",
    "AT_SetAccessMethod": "SET ACCESS METHOD rewrites the table",
}


@rule(
    id="changing-table-storage",
    title="Table's storage changed by rewriting it",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt", "alter_table_move_all_stmt"),
    effect=Effect.REWRITE,
    scales=True,
    why="SET TABLESPACE, SET LOGGED, SET UNLOGGED and SET ACCESS METHOD write the whole table anew under an ACCESS "
    "EXCLUSIVE lock. An unlogged table is also empty after a crash and missing on replicas.",
    fix="Do it in a maintenance window, or make a new table with the wanted storage, copy in batches and swap the names.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders SET UNLOGGED;",
    good="ALTER TABLE orders SET (fillfactor = 90);",
    unfixed="The table's file has to be written anew: copy the rows to a new table in batches and exchange the two.",
    source="Manual, ALTER TABLE, SET TABLESPACE, SET LOGGED, SET ACCESS METHOD.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "alter_table_move_all_stmt":
        yield Hit(
            f"ALTER ... ALL IN TABLESPACE copies every relation of tablespace {shown(str(step.node.orig_tablespacename))}."
            " Nobody can read or write a table while it is copied.",
            "Move the tables one by one in maintenance windows.",
            lock="ACCESS EXCLUSIVE",
        )
        return
    if not step.old:
        return
    for wrapped in step.node.cmds:
        kind = grammar.enum_name(wrapped.alter_table_cmd, "subtype")
        words = WORDS.get(kind)
        if words is None or _changes_nothing(step, kind, str(wrapped.alter_table_cmd.name)):
            continue
        index = step.catalog.indexes.get(step.relation)
        relation = index.table if step.objtype == "INDEX" and index is not None else step.relation
        yield Hit(
            f"{words}, under {lock_on('ACCESS EXCLUSIVE', step.relation)}."
            f" {waits('ACCESS EXCLUSIVE', relation, 'that is done')}",
            f"Do it in a maintenance window, or copy {shown(relation)} in batches into a new table and swap the names.",
            relation,
            lock="ACCESS EXCLUSIVE",
        )


def _changes_nothing(step: Step, kind: str, name: str) -> bool:
    if kind == "AT_SetAccessMethod":
        return name == "heap"  # what nearly every table has
    if kind == "AT_SetLogged":
        return step.table.logged is True
    return kind == "AT_SetUnLogged" and step.table.logged is False
