"""A password written in a migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="writing-password",
    title="Password written in a file",
    severity=Severity.ERROR,
    category=Category.POLICY,
    on=("create_role_stmt", "alter_role_stmt"),
    why="The password stays in the repository's history, and in the server's log and statistics.",
    fix="Set it by hand with psql's \\password, or from a secret store, outside of the migration.",
    bad="CREATE ROLE shop_app LOGIN PASSWORD 'secret';",
    good="CREATE ROLE shop_app LOGIN;",
    source="Manual, CREATE ROLE, Notes on passwords.",
)
def check(step: Step) -> Iterator[Hit]:
    for option in step.node.options:
        if option.def_elem.defname == "password" and option.def_elem.arg.WhichOneof("node") == "string":
            role = step.node.role if step.node_name == "create_role_stmt" else step.node.role.rolename
            yield Hit(
                f"The password of {shown(str(role))} stands in this file. It stays in the repository's history and in the"
                " server's log.",
                "Take it out, change the password, and set it from a secret store outside of the migration.",
            )
