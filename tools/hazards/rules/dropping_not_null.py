"""DROP NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="dropping-not-null",
    title="Column may hold NULL from now on",
    severity=Severity.INFO,
    category=Category.COMPATIBILITY,
    on=("alter_table_stmt",),
    acts=("DropNotNull",),
    effect=Effect.RUNS,
    why="Programs that read the column may not expect NULL, and putting NOT NULL back fails at the first NULL.",
    fix="First release code that copes with NULL.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);",
    bad="ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;",
    good="ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';",
    unfixed="Dropping it is instant; programs that read the column must expect NULL first.",
    source="Manual, ALTER TABLE, DROP NOT NULL.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("DropNotNull"):
        yield Hit(
            f"{shown(step.relation)}.{shown(action.name)} may hold NULL from now on. Programs that read it may not expect"
            " that, and putting NOT NULL back fails at the first NULL.",
            f"First release code that copes with NULL in {shown(action.name)}.",
            step.relation,
            objects=(step.relation, action.name),
            lock="ACCESS EXCLUSIVE",
        )
