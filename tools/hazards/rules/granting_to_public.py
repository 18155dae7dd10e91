"""Rights given to everybody."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown

WRITES = {"insert", "update", "delete", "truncate", "create", "trigger", "maintain"}


@rule(
    id="granting-to-public",
    title="Rights to change data given to everybody",
    severity=Severity.WARNING,
    category=Category.POLICY,
    on=("grant_stmt",),
    effect=Effect.RUNS,
    why="PUBLIC is every role of the server, also those made later.",
    fix="Grant to a role that stands for the task.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="GRANT ALL ON orders TO PUBLIC;",
    good="GRANT SELECT ON orders TO CURRENT_USER;",
    source="Manual, section 5.8 Privileges.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if not node.is_grant or grammar.enum_name(node, "objtype") not in (
        "OBJECT_TABLE",
        "OBJECT_SCHEMA",
        "OBJECT_SEQUENCE",
    ):
        return
    if not any(grammar.enum_name(g.role_spec, "roletype") == "ROLESPEC_PUBLIC" for g in node.grantees):
        return
    asked = {str(p.access_priv.priv_name).lower() for p in node.privileges}
    if asked and not asked & WRITES:
        return
    what = ", ".join(shown(object_name(o)) for o in list(node.objects)[:3] if object_name(o)) or "these objects"
    yield Hit(
        f"This gives everybody the right to change {what}. PUBLIC is every role of the server, also those made later.",
        "Grant to a role that stands for the task.",
    )
