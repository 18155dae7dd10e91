"""REFRESH MATERIALIZED VIEW without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown, waits


@rule(
    id="require-concurrent-refresh",
    title="Materialized view refreshed while readers wait",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("refresh_mat_view_stmt",),
    effect=Effect.LOCK,
    why="REFRESH MATERIALIZED VIEW takes an ACCESS EXCLUSIVE lock: nobody can read the view while its query runs.",
    fix="REFRESH MATERIALIZED VIEW CONCURRENTLY; it needs a unique index over plain columns of the view.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1);"
    " CREATE MATERIALIZED VIEW order_ids AS SELECT id FROM orders; CREATE UNIQUE INDEX order_ids_id ON order_ids (id);",
    bad="REFRESH MATERIALIZED VIEW order_ids;",
    good="REFRESH MATERIALIZED VIEW CONCURRENTLY order_ids;",
    rewritten=True,
    source="Manual, REFRESH MATERIALIZED VIEW, CONCURRENTLY.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node.concurrent or not step.old:
        return
    yield Hit(
        f"REFRESH MATERIALIZED VIEW takes {lock_on('ACCESS EXCLUSIVE', step.relation)}."
        f" {waits('ACCESS EXCLUSIVE', step.relation, 'its query has run')}",
        f"Give the view a unique index and use: REFRESH MATERIALIZED VIEW CONCURRENTLY {shown(step.relation)};",
        step.relation,
        lock="ACCESS EXCLUSIVE",
    )
