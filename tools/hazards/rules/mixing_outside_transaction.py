"""Statements of one file that commit one by one."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step

QUIET = {"variable_set_stmt", "select_stmt", "transaction_stmt", "vacuum_stmt", "do_stmt", "drop_stmt"}


@rule(
    id="mixing-outside-transaction",
    title="Schema changes that commit one by one",
    severity=Severity.INFO,
    category=Category.HYGIENE,
    on=("index_stmt", "reindex_stmt", "alter_table_stmt"),
    enabled=False,
    why="Where the file runs outside of a transaction, a failure in the middle leaves the statements before it in place.",
    fix="One file for each statement that cannot be in a transaction; the rest in files that run in one.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer text);",
    bad="CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer);\nALTER TABLE orders ADD COLUMN note text;",
    good="CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer);",
    source="Manual, CREATE INDEX, Building Indexes Concurrently.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.transactional is not False or step.in_transaction:
        return
    if any(a.node_name not in QUIET for a in step.after):
        yield Hit(
            "This statement commits by itself. When a later one of the file fails, this one stays, and the file cannot"
            " simply be run again.",
            "Put it into a file of its own.",
        )
