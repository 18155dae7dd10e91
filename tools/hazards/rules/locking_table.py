"""LOCK TABLE written in a migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..locks import locks_of
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..transaction import BLOCKS_WRITES, STRENGTH
from ..words import lock_on, waits


@rule(
    id="locking-table",
    title="Table locked by hand",
    severity=Severity.WARNING,
    category=Category.LOCKS,
    on=("lock_stmt",),
    effect=Effect.LOCK,
    wrapped=True,
    why="LOCK TABLE keeps others out until the transaction ends, however long the rest of it takes.",
    fix="Leave it out: statements take the locks that they need. Where order matters, lock late and keep the rest short.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;",
    good="LOCK TABLE orders IN ROW SHARE MODE;",
    unfixed="Why the lock is taken is not in the file: take a weaker mode, or a shorter transaction.",
    source="Manual, LOCK; chapter 13.3.",
)
def check(step: Step) -> Iterator[Hit]:
    for relation, mode in locks_of(step):
        if STRENGTH[mode] < BLOCKS_WRITES or step.catalog.is_new(relation):
            continue
        yield Hit(
            f"LOCK TABLE takes {lock_on(mode, relation)} by hand. {waits(mode, relation, 'the transaction ends')}",
            "Leave it out, or take it last and set lock_timeout before it.",
            relation,
            lock=mode,
        )
