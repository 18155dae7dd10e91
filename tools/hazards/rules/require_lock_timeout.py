"""A strong lock asked for without lock_timeout."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..locks import locks_of
from ..registry import Category, Hit, rule
from ..step import Step
from ..transaction import BLOCKS_WRITES, STRENGTH
from ..words import lock_on, shown


@rule(
    id="require-lock-timeout",
    title="Strong lock without lock_timeout",
    severity=Severity.INFO,
    category=Category.LOCKS,
    on=("*",),
    why="A statement that waits for a strong lock stands in a queue, and everybody who comes later waits behind it, even "
    "plain SELECTs. One long query and one quick ALTER TABLE are enough to stop an application.",
    fix="SET lock_timeout before the first such statement, and try again when it strikes. agentdb apply does both by "
    "itself (targets.<name>.lock_timeout, lock_retries).",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN note text;",
    good="SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN note text;",
    unfixed="`agentdb apply` sets a lock_timeout and tries again by itself; for another runner write SET lock_timeout "
    "= '2s' at the top. What it saves is shown by `agentdb rehearse`, not by the locks that the proof "
    "compares.",
    source="Manual, section 19.11 lock_timeout; chapter 13.3; the queue was measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    transaction = step.transaction
    if transaction.lock_timeout or transaction.told_timeout or step.node is None:
        return
    for relation, mode in locks_of(step):
        if STRENGTH[mode] < BLOCKS_WRITES or step.catalog.is_new(relation):
            continue
        transaction.told_timeout = True
        yield Hit(
            f"Nothing limits how long this waits for {lock_on(mode, relation)}. While it waits, later queries on"
            f" {shown(relation)} wait behind it.",
            "Write SET lock_timeout = '2s'; before it, and try again when it strikes.",
            relation,
            lock=mode,
        )
        return
