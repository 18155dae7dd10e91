"""ADD COLUMN of a domain whose values are checked."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import alter, lock_on, shown, waits


@rule(
    id="adding-checked-domain-column",
    title="Column of a constrained domain added by rewriting the table",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_table_stmt",),
    acts=("AddColumn",),
    effect=Effect.REWRITE,
    scales=True,
    why="A new column whose type is a domain with a constraint is checked and written for every row under an ACCESS "
    "EXCLUSIVE lock, even without a default.",
    fix="Add the column with the domain's base type and a CHECK ... NOT VALID, then VALIDATE CONSTRAINT.",
    setup="CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100); CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders ADD COLUMN discount percent;",
    good="ALTER TABLE orders ADD COLUMN discount integer;\n"
    "ALTER TABLE orders ADD CONSTRAINT orders_discount_check CHECK (discount BETWEEN 0 AND 100) NOT VALID;",
    unfixed="PostgreSQL verifies a constrained domain by rewriting the table, also when the column becomes one later: "
    "use the plain type and a CHECK, which has a safe form.",
    source="tablecmds.c, ATExecAddColumn (DomainHasConstraints); measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    for action in step.acts("AddColumn"):
        column = action.column
        if column is None or column.generated == "virtual":
            continue
        domain = step.catalog.domains.get(column.type.name)
        if domain is None or not step.catalog.under(column.type)[1]:
            continue
        name, base = shown(column.name), step.catalog.under(column.type)[0]
        yield Hit(
            f"Adding {name} of domain {shown(domain.name)} takes {lock_on('ACCESS EXCLUSIVE', step.relation)} and rewrites"
            f" the table to check each value. {waits('ACCESS EXCLUSIVE', step.relation, 'every row is written')}",
            f"Use {alter(step.relation, f'ADD COLUMN {name} {base}')} and the domain's condition as a CHECK ... NOT VALID,"
            " validated later.",
            step.relation,
            objects=(step.relation, column.name),
            lock="ACCESS EXCLUSIVE",
        )
