"""A domain with a constraint."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import dotted
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="ban-constrained-domain",
    title="Domain whose constraint is hard to change",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_domain_stmt",),
    enabled=False,
    why="A domain's constraint is verified in all tables at once when it changes, and a new column of the domain rewrites its table.",
    fix="The base type, with CHECK constraints at the tables.",
    bad="CREATE DOMAIN percent AS integer CHECK (VALUE <= 100);",
    good="CREATE DOMAIN percent AS integer;",
    source="Manual, ALTER DOMAIN, Notes.",
)
def check(step: Step) -> Iterator[Hit]:
    kinds = {grammar.enum_name(c.constraint, "contype") for c in step.node.constraints}
    if kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"}:
        name = shown(key(dotted(step.node.domainname)))
        yield Hit(
            f"Domain {name} has a constraint: changing it later reads all tables that use it. A new column of the domain rewrites"
            " its table.",
            "Use the base type, with CHECK constraints at the tables.",
        )
