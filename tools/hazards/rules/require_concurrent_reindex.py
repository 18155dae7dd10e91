"""REINDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..locks import option_is_on
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import shown


@rule(
    id="require-concurrent-reindex",
    title="Index rebuilt while writes wait",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("reindex_stmt",),
    effect=Effect.BUILD,
    scales=True,
    why="REINDEX takes a SHARE lock on the table and an ACCESS EXCLUSIVE lock on the index: writes wait, and so do the "
    "reads that would use the index.",
    fix="REINDEX ... CONCURRENTLY, outside of a transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text); CREATE INDEX orders_customer_idx ON orders (customer);",
    bad="REINDEX INDEX orders_customer_idx;",
    good="REINDEX INDEX CONCURRENTLY orders_customer_idx;",
    rewritten=True,
    source="Manual, REINDEX, Rebuilding Indexes Concurrently (12 and newer).",
)
def check(step: Step) -> Iterator[Hit]:
    if any(p.def_elem.defname == "concurrently" and option_is_on(p.def_elem) for p in step.node.params):
        return
    word = grammar.enum_name(step.node, "kind").removeprefix("REINDEX_OBJECT_")
    table = ""
    if step.node.HasField("relation"):
        name = relation_key(step.node.relation)
        index = step.catalog.indexes.get(name)
        table = name if word == "TABLE" else index.table if index is not None else ""
        if step.catalog.is_new(table):
            return
    else:
        name = str(step.node.name)
    if word == "SYSTEM":  # system catalogs have no concurrent form
        return
    whom = shown(table) if table else "the tables concerned"
    yield Hit(
        f"REINDEX takes a SHARE lock on {whom} and an ACCESS EXCLUSIVE lock on each index."
        " Writes wait until the rebuild is done, and so do reads that plan to use the index.",
        f"Run it outside a transaction as: REINDEX {word} CONCURRENTLY {shown(name)};".replace(" ;", ";"),
        table,
        objects=tuple(dict.fromkeys(filter(None, (name, table)))),
        lock="SHARE",
    )
