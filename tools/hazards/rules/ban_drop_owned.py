"""DROP OWNED."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="ban-drop-owned",
    title="Everything of a role dropped",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("drop_owned_stmt",),
    effect=Effect.RUNS,
    why="DROP OWNED deletes every table, view and function that a role owns in this database, whatever they are, and all "
    "its grants.",
    fix="REASSIGN OWNED to another role, or drop objects by name.",
    setup="",
    bad="DROP OWNED BY old_app;",
    good="REASSIGN OWNED BY old_app TO CURRENT_USER;",
    unfixed="What a role owns is not in the file: drop it by name.",
    source="Manual, DROP OWNED.",
)
def check(step: Step) -> Iterator[Hit]:
    roles = [str(r.role_spec.rolename) for r in step.node.roles]
    who = ", ".join(shown(r) for r in roles if r) or "the role"
    yield Hit(
        f"DROP OWNED deletes every object that {who} owns in this database, with its rows. Which ones they are depends on"
        " the target, not on this file.",
        f"Use REASSIGN OWNED BY {who} TO ...; or drop the objects by name.",
        objects=tuple(roles),
    )
