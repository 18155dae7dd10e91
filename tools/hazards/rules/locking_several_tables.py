"""Strong locks on several tables gathered in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..locks import locks_of
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..transaction import BLOCKS_READS, STRENGTH
from ..words import names, shown


@rule(
    id="locking-several-tables",
    title="Several tables locked in one transaction",
    severity=Severity.INFO,
    category=Category.LOCKS,
    on=("*",),
    effect=Effect.LOCK,
    wrapped=True,
    why="A transaction that takes ACCESS EXCLUSIVE locks on one table after another keeps the first while it waits for the "
    "next. A session that uses the tables in another order deadlocks with it.",
    fix="One transaction (or file) a table.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TABLE customers (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN note text;\nALTER TABLE customers ADD COLUMN note text;",
    good="ALTER TABLE orders ADD COLUMN note text;\nALTER TABLE orders ADD COLUMN remark text;",
    unfixed="Whether the tables may change one by one depends on what reads them together: split the file by hand "
    "where they may.",
    source="Manual, section 13.3.4 Deadlocks.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.in_transaction or not step.transaction.altered:
        return
    earlier = step.transaction.altered
    for relation, mode in locks_of(step):
        if STRENGTH[mode] < BLOCKS_READS or step.catalog.is_new(relation) or relation in earlier:
            continue
        yield Hit(
            f"This takes an ACCESS EXCLUSIVE lock on {shown(relation)} while the transaction still holds those on"
            f" {names(list(earlier)[:3])}. A session that uses them in another order deadlocks with it.",
            "Put each table's changes into a transaction of its own.",
            relation,
            objects=(relation, *earlier),
            lock=mode,
        )
        return
