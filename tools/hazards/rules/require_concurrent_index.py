"""CREATE INDEX without CONCURRENTLY on a table that is in use."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import insert_word, lock_on, shown, sql_of, waits


@rule(
    id="require-concurrent-index",
    title="Index built while writes wait",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("index_stmt",),
    effect=Effect.BUILD,
    scales=True,
    why="CREATE INDEX takes a SHARE lock: INSERT, UPDATE and DELETE on the table wait until the index is built.",
    fix="CREATE INDEX CONCURRENTLY, outside of a transaction. On a partitioned table: CREATE INDEX ON ONLY the parent, "
    "build the index of each partition CONCURRENTLY, then ALTER INDEX ... ATTACH PARTITION.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text);",
    bad="CREATE INDEX orders_customer_idx ON orders (customer);",
    good="CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer);",
    rewritten=True,
    source="Manual, CREATE INDEX, Building Indexes Concurrently; chapter 13.3, SHARE.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if node.concurrent or not step.old:
        return
    table = step.table
    # ON ONLY a partitioned table builds nothing; only such tables are written with ONLY.
    if not node.relation.inh and (table.partitioned or not table.known):
        return
    why = f"CREATE INDEX takes {lock_on('SHARE', step.relation)}. {waits('SHARE', step.relation, 'the index is built')}"
    if table.partitioned:
        fix = (
            f"Use CREATE INDEX ... ON ONLY {shown(step.relation)}, build the index of each partition CONCURRENTLY, "
            "and join them with ALTER INDEX ... ATTACH PARTITION."
        )
    else:
        sql = insert_word(sql_of(step), r"CREATE (?:UNIQUE )?INDEX", "CONCURRENTLY") or "CREATE INDEX CONCURRENTLY"
        fix = f"Run it outside a transaction as: {sql}{';' if ' ' in sql[27:] else ''}"
    yield Hit(why, fix, step.relation, lock="SHARE")
