"""ALTER COLUMN ... TYPE where the old type is not known."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..type_change import Cost, changes
from ..words import lock_on, shown


@rule(
    id="changing-column-type-unverified",
    title="Column type change that may or may not rewrite the table",
    severity=Severity.WARNING,
    category=Category.UNKNOWN,
    on=("alter_table_stmt",),
    acts=("AlterColumnType",),
    effect=Effect.REWRITE,
    scales=True,
    why="Whether a type change rewrites the table depends on the old type (and, between timestamp and timestamptz, on "
    "the session's TimeZone). The text alone does not tell it.",
    fix="Let agentdb read the schema (a target, --schema-dir or the sandbox), or look the old type up.",
    bad="ALTER TABLE orders ALTER COLUMN note TYPE text;",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(20));\nALTER TABLE orders ALTER COLUMN note TYPE text;",
    rewritten=True,
    source="Manual, ALTER TABLE, Notes.",
)
def check(step: Step) -> Iterator[Hit]:
    for action, new, verdict in changes(step):
        if verdict.cost is not Cost.UNKNOWN:
            continue
        yield Hit(
            f"Changing {shown(action.name)} to {new} takes {lock_on('ACCESS EXCLUSIVE', step.relation)}, and may rewrite"
            f" the table: {verdict.because}. If it does, nobody can read or write {shown(step.relation)} meanwhile.",
            "Let agentdb know the schema (--target, --schema-dir or the sandbox) and it will say which it is.",
            step.relation,
            objects=(step.relation, action.name),
            lock="ACCESS EXCLUSIVE",
        )
