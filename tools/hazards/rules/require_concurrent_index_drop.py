"""DROP INDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import lock_on, shown


@rule(
    id="require-concurrent-index-drop",
    title="Index dropped under a lock that stops everybody",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("drop_stmt",),
    effect=Effect.LOCK,
    why="DROP INDEX takes an ACCESS EXCLUSIVE lock on the table. It is short, but it waits behind every running query, "
    "and everything that comes later waits behind it.",
    fix="DROP INDEX CONCURRENTLY, outside of a transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text); CREATE INDEX orders_customer_idx ON orders (customer);",
    bad="DROP INDEX orders_customer_idx;",
    good="DROP INDEX CONCURRENTLY orders_customer_idx;",
    rewritten=True,
    source="Manual, DROP INDEX, CONCURRENTLY; chapter 13.3, ACCESS EXCLUSIVE.",
)
def check(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "remove_type") != "INDEX" or step.node.concurrent:
        return
    for target in step.node.objects:
        name = key(object_name(target))
        index = step.catalog.indexes.get(name)
        if index is not None and (index.new or step.catalog.is_new(index.table)):
            continue
        table = index.table if index is not None else ""
        whom = shown(table) if table else "its table"
        yield Hit(
            f"DROP INDEX takes {lock_on('ACCESS EXCLUSIVE', table) if table else 'an ACCESS EXCLUSIVE lock on its table'}."
            f" Queries on {whom} wait while it waits for those that run.",
            f"Run it outside a transaction as: DROP INDEX CONCURRENTLY {shown(name)};",
            table,
            objects=(name, table) if table else (name,),
            lock="ACCESS EXCLUSIVE",
        )
