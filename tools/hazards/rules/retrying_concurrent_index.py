"""CREATE INDEX CONCURRENTLY IF NOT EXISTS."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="retrying-concurrent-index",
    title="Invalid index of a failed try is taken for the index",
    severity=Severity.INFO,
    category=Category.HYGIENE,
    on=("index_stmt",),
    why="A CREATE INDEX CONCURRENTLY that fails leaves an INVALID index behind. With IF NOT EXISTS the next try finds the "
    "name, does nothing and succeeds: the index is never used, but costs every write.",
    fix="DROP INDEX CONCURRENTLY IF EXISTS before it. agentdb apply looks for invalid indexes by itself.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text);",
    bad="CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_customer_idx ON orders (customer);",
    good="DROP INDEX CONCURRENTLY IF EXISTS orders_customer_idx;\n"
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_customer_idx ON orders (customer);",
    unfixed="Leave IF NOT EXISTS out; `agentdb apply` cleans up an invalid index before it tries again.",
    source="Manual, CREATE INDEX, Building Indexes Concurrently (INVALID).",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if (
        not (node.concurrent and node.if_not_exists)
        or not step.old
        or str(node.idxname) in step.transaction.dropped_indexes
    ):
        return
    name = shown(str(node.idxname))
    yield Hit(
        f"When building {name} fails, an INVALID index of that name stays. IF NOT EXISTS then takes it for the index, and"
        " the next try succeeds without building anything.",
        f"Write DROP INDEX CONCURRENTLY IF EXISTS {name}; before it.",
        step.relation,
        objects=(str(node.idxname),),
    )
