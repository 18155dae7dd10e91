"""ALTER COLUMN ... TYPE that rewrites the table, its indexes, or verifies its rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..type_change import Cost, changes
from ..words import lock_on, shown, waits

EFFECTS = {Cost.REWRITE: Effect.REWRITE, Cost.INDEXES: Effect.BUILD, Cost.CHECKS: Effect.SCAN}
WORK = {
    Cost.REWRITE: "rewrites the whole table",
    Cost.INDEXES: "rebuilds an index",
    Cost.CHECKS: "reads every row",
}


@rule(
    id="changing-column-type",
    title="Column type changed by rewriting the table",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AlterColumnType",),
    effect=Effect.REWRITE,
    scales=True,
    why="ALTER COLUMN ... TYPE writes every row and every index anew under an ACCESS EXCLUSIVE lock, unless the old "
    "values are stored just as the new type stores them (a longer varchar, varchar to text, a wider numeric of the same "
    "scale, timestamp to timestamptz in UTC, ...). Code that reads the old type may break too.",
    fix="Expand and contract: add a column of the new type, keep it filled by a trigger, copy old rows in batches, "
    "switch the readers, drop the old column later.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, quantity integer DEFAULT 1, note varchar(20));",
    bad="ALTER TABLE orders ALTER COLUMN quantity TYPE bigint;",
    good="ALTER TABLE orders ALTER COLUMN note TYPE text;",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes; tablecmds.c, ATColumnChangeRequiresRewrite; every pair measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    for action, new, verdict in changes(step):
        effect = EFFECTS.get(verdict.cost)
        if effect is None:
            continue
        column = shown(action.name)
        fresh = shown(f"{action.name}_new")
        yield Hit(
            f"Changing {column} to {new} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and {WORK[verdict.cost]}:"
            f" {verdict.because}. {waits('ACCESS EXCLUSIVE', step.relation, 'that is done')}",
            f"Use ALTER TABLE {shown(step.relation)} ADD COLUMN {fresh} {new}; keep it filled with a trigger, copy old"
            f" rows in batches, then switch readers and drop {column}.",
            step.relation,
            objects=(step.relation, action.name),
            effect=effect,
            lock="ACCESS EXCLUSIVE",
        )
