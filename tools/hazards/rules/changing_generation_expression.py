"""ALTER COLUMN ... SET EXPRESSION of a stored generated column."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import lock_on, shown, waits


@rule(
    id="changing-generation-expression",
    title="Generated column computed anew for every row",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("SetExpression",),
    effect=Effect.REWRITE,
    since=17,
    scales=True,
    why="SET EXPRESSION on a stored generated column rewrites the table under an ACCESS EXCLUSIVE lock.",
    fix="Add a second generated column (VIRTUAL from 18 on), switch the readers, drop the old one later.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, price numeric DEFAULT 1,"
    " gross numeric GENERATED ALWAYS AS (price * 1.16) STORED);",
    bad="ALTER TABLE orders ALTER COLUMN gross SET EXPRESSION AS (price * 1.19);",
    good="ALTER TABLE orders ADD COLUMN gross_19 numeric GENERATED ALWAYS AS (price * 1.19) VIRTUAL;",
    unfixed="The values are stored and have to be computed anew: add another column with the new expression and switch "
    "readers.",
    source="Manual, ALTER TABLE, SET EXPRESSION AS (17 and newer).",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("SetExpression"):
        if step.table.column(action.name).generated == "virtual":
            continue
        yield Hit(
            f"SET EXPRESSION on {shown(action.name)} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and rewrites the"
            f" table. {waits('ACCESS EXCLUSIVE', step.relation, 'every row is written')}",
            f"Add a new generated column beside {shown(action.name)}, switch its readers, and drop the old one later.",
            step.relation,
            objects=(step.relation, action.name),
            lock="ACCESS EXCLUSIVE",
        )
