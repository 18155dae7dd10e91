"""Long work done while the transaction holds a strong lock that an earlier statement took."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..transaction import BLOCKS_READS, STRENGTH
from ..words import names, waits
from ..work import work_of


@rule(
    id="holding-lock-during-work",
    title="Long work while a strong lock is held",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("*",),
    effect=Effect.LOCK,
    wrapped=True,
    late=True,
    why="A lock is kept until the transaction ends. After an ALTER TABLE that took an ACCESS EXCLUSIVE lock, every "
    "further second of the transaction (a backfill, an index build, a scan) is a second in which nobody can use the table.",
    fix="Commit after the statement that takes the lock, and do the long work in a transaction (or file) of its own.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, total numeric DEFAULT 1); CREATE TABLE sums (total numeric);",
    bad="ALTER TABLE orders ADD COLUMN gross numeric;\nINSERT INTO sums SELECT sum(total) FROM orders;",
    good="ALTER TABLE orders ADD COLUMN gross numeric;",
    rewritten=True,
    source="Manual, chapter 13.3: a lock is held until the end of the transaction.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.in_transaction or not step.transaction.held:
        return
    held = [h for h in step.transaction.held.values() if STRENGTH[h.mode] >= BLOCKS_READS]
    if not held or any(rule.id == "validating-in-same-transaction" for rule, _ in step.found):
        return
    work = work_of(step)
    if not work:
        return
    first = held[0]
    tables = names([h.relation for h in held[:3]])
    yield Hit(
        f"This {work} while the transaction holds the {first.mode} lock on {tables} that line {first.line} took."
        f" {waits(first.mode, first.relation, 'the transaction ends')}",
        f"Commit after line {first.line}, and do this in a transaction of its own.",
        first.relation,
        objects=tuple(h.relation for h in held),
        lock=first.mode,
    )
