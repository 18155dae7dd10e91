"""A statement that PostgreSQL refuses inside a transaction block."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step


@rule(
    id="ban-in-transaction",
    title="Statement that cannot run inside a transaction",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("*",),
    effect=Effect.FAILS,
    wrapped=True,
    why="CREATE INDEX CONCURRENTLY, VACUUM, CREATE DATABASE, ALTER SYSTEM and their like are refused inside a transaction "
    "block (SQLSTATE 25001), and so inside a DO block or function.",
    fix="A file of its own with the header `-- agentdb: no-transaction`, or after COMMIT.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text);",
    bad="CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer);",
    good="ALTER TABLE orders ADD COLUMN note text;",
    rewritten=True,
    source="Manual, the Notes of each command; SQLSTATE 25001.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node is None or not step.in_transaction:
        return
    what = _refused(step)
    if not what:
        return
    if step.inside:
        where = f"inside {step.inside}"
    elif step.transaction.explicit:
        where = f"inside the transaction that line {step.transaction.began} began"
    else:
        where = "inside the transaction around the file"
    yield Hit(
        f"{what} cannot run {where}: PostgreSQL refuses it with SQLSTATE 25001. The migration stops here.",
        "Put it into a file of its own that starts with `-- agentdb: no-transaction`.",
    )


def _refused(step: Step) -> str:
    """What the server refuses, in words; "" for a statement that it takes."""
    if step.transactional is False:
        concurrently = any(word in step.text.upper() for word in ("CONCURRENTLY",))
        return f"{step.kind}{' CONCURRENTLY' if concurrently else ''}"
    node = step.node
    if step.node_name == "alter_enum_stmt" and step.version < 12 and node.new_val and not node.old_val:
        return "ALTER TYPE ADD VALUE (before PostgreSQL 12)"
    if step.node_name == "reindex_stmt" and node.HasField("relation") and step.table.partitioned:
        return "REINDEX of a partitioned table"
    if step.node_name == "cluster_stmt" and node.HasField("relation") and step.table.partitioned:
        return "CLUSTER of a partitioned table"
    if step.node_name == "create_subscription_stmt" and not any(
        o.def_elem.defname in ("create_slot", "connect") for o in node.options
    ):
        return "CREATE SUBSCRIPTION with a replication slot"
    return ""
