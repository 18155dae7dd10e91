"""A domain's constraint verified in every table that uses the domain."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import names, shown


@rule(
    id="altering-domain",
    title="Domain constraint verified in every table that uses it",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("alter_domain_stmt",),
    effect=Effect.SCAN,
    why="ALTER DOMAIN ... ADD CONSTRAINT and SET NOT NULL read every row of every table with a column of the domain, and "
    "keep writes to those tables waiting (a SHARE lock).",
    fix="ADD CONSTRAINT ... NOT VALID, then VALIDATE CONSTRAINT in a later transaction. For NOT NULL: CHECK (VALUE IS NOT "
    "NULL) in the same way.",
    setup="CREATE DOMAIN percent AS integer; CREATE TABLE orders (id bigint PRIMARY KEY, discount percent DEFAULT 5);",
    bad="ALTER DOMAIN percent ADD CONSTRAINT percent_range CHECK (VALUE <= 100);",
    good="ALTER DOMAIN percent ADD CONSTRAINT percent_range CHECK (VALUE <= 100) NOT VALID;",
    unfixed="NOT VALID and VALIDATE CONSTRAINT buy nothing here: measured on 18, validating a domain holds the same SHARE "
    "lock on every table that uses it. Put the CHECK on the tables, where it has a safe form.",
    source="Manual, ALTER DOMAIN, Notes; typecmds.c, validateDomainCheckConstraint.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    name = key(dotted(node.type_name))
    domain = step.catalog.domains.get(name)
    if domain is not None and domain.new:
        return
    adds = node.subtype == "C" and not getattr(node, "def").constraint.skip_validation
    if not adds and node.subtype != "O":
        return
    users = sorted({table.name for table, _ in step.catalog.users_of_type(name) if not step.catalog.is_new(table.name)})
    if step.catalog.complete and not users:
        return
    where = names(users[:3]) if users else "every table that uses it"
    what = "ADD CONSTRAINT" if adds else "SET NOT NULL"
    constraint = getattr(node, "def").constraint.conname if adds else ""
    if adds:
        fix = (
            f"Use ALTER DOMAIN {shown(name)} ADD CONSTRAINT {shown(constraint) or '...'} ... NOT VALID; and in a later"
            f" transaction ALTER DOMAIN {shown(name)} VALIDATE CONSTRAINT {shown(constraint) or '...'};"
        )
    else:
        fix = f"Use ALTER DOMAIN {shown(name)} ADD CHECK (VALUE IS NOT NULL) NOT VALID; and VALIDATE CONSTRAINT later."
    yield Hit(
        f"ALTER DOMAIN {shown(name)} {what} takes a SHARE lock on {where} and reads every row. Reads go on, but writes to"
        " those tables wait.",
        fix,
        users[0] if users else "",
        objects=(name, *users),
        lock="SHARE",
    )
