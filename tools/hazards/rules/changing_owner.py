"""Objects handed over to another role, or made as another role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import actions_of, key
from ..step import Step
from ..words import names, shown

# What to GRANT in place of handing the object over.
RIGHTS = {
    "TABLE": "SELECT, INSERT, UPDATE, DELETE ON",
    "FOREIGN TABLE": "SELECT, INSERT, UPDATE, DELETE ON",
    "VIEW": "SELECT ON",
    "MATERIALIZED VIEW": "SELECT ON",
    "SEQUENCE": "USAGE ON SEQUENCE",
    "FUNCTION": "EXECUTE ON FUNCTION",
    "PROCEDURE": "EXECUTE ON PROCEDURE",
    "SCHEMA": "USAGE ON SCHEMA",
    "TYPE": "USAGE ON TYPE",
    "DOMAIN": "USAGE ON DOMAIN",
}
# What a function or view may do is what its owner may do.
RUNS_AS_OWNER = {"FUNCTION", "PROCEDURE", "ROUTINE", "VIEW"}


@rule(
    id="changing-owner",
    title="Owner changed",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("alter_table_stmt", "alter_owner_stmt", "reassign_owned_stmt", "variable_set_stmt"),
    effect=Effect.RUNS,
    why="The old owner may no longer alter or drop the object, and loses the rights that it had as the owner: programs and "
    "later migrations that run as it fail. Views and SECURITY DEFINER functions run with the rights of the new one.",
    fix="GRANT the rights that are needed; or make the old owner a member of the new one first.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders OWNER TO reporting;",
    good="GRANT SELECT ON orders TO reporting;",
    unfixed="Who works as the old owner is not in the file: GRANT what the new role needs, or make the old owner its member.",
    source="Manual, section 5.8 Privileges; ALTER TABLE, OWNER TO; REASSIGN OWNED; SET ROLE; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    match step.node_name:
        case "variable_set_stmt":
            yield from _set_role(step)
        case "reassign_owned_stmt":
            # To the role that runs the migrations, and for a role that goes: what ban-drop-owned tells to write.
            if grammar.enum_name(node.newrole, "roletype") != "ROLESPEC_CSTRING":
                return
            old = tuple(_role(r.role_spec) for r in node.roles)
            yield Hit(
                f"REASSIGN OWNED makes {_role(node.newrole)} the owner of all that {names(old)} owns in this database."
                " Programs and later migrations that run as the old owner fail from then on.",
                f"First make the old owner a member: GRANT {_role(node.newrole)} TO {', '.join(old)};",
                objects=old,
            )
        case "alter_owner_stmt":
            if node.HasField("relation"):
                return
            word = object_word(node, "object_type")
            yield from _changed(step, word, key(object_name(node.object)), node.newowner)
        case _:
            if step.objtype == "INDEX":  # a warning: an index belongs to the owner of its table
                return
            for action in actions_of(node):
                if action.kind == "ChangeOwner":
                    yield from _changed(step, step.objtype, step.relation, action.node.newowner)


def _role(spec: Any) -> str:
    """A role as SQL: its name, or CURRENT_USER and the like."""
    kind = grammar.enum_name(spec, "roletype").removeprefix("ROLESPEC_")
    return shown(str(spec.rolename)) if kind == "CSTRING" else kind


def _changed(step: Step, word: str, name: str, owner: Any) -> Iterator[Hit]:
    if step.catalog.is_new_object(word, name):
        return
    who, what = _role(owner), shown(name) or f"the {word.lower()}"
    lost = f"{what} belongs to {who} from then on: the old owner may not alter or drop it, and loses its rights as the owner."
    if word in RUNS_AS_OWNER:
        also = " Programs and later migrations that run as it fail, and what it reads and writes needs the rights of the new one."
    else:
        also = " Programs and later migrations that run as it fail."
    relation = name if word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE") else ""
    instead = f"Leave the owner and write GRANT {RIGHTS[word]} {what} TO {who}; or f" if word in RIGHTS else "F"
    yield Hit(
        lost + also,
        f"{instead}irst make the old owner a member: GRANT {who} TO ...;",
        relation,
        objects=(name,),
        lock="ACCESS EXCLUSIVE" if relation else "",
    )


def _set_role(step: Step) -> Iterator[Hit]:
    node = step.node
    if node.name not in ("role", "session_authorization") or grammar.enum_name(node, "kind") != "VAR_SET_VALUE":
        return
    role = str(node.args[0].a_const.sval.sval) if node.args else ""
    if not role or (node.name == "role" and role == "none"):
        return
    what = "SET ROLE" if node.name == "role" else "SET SESSION AUTHORIZATION"
    until = "the transaction" if node.is_local else "the session"
    yield Hit(
        f"After {what} all that the rest of {until} makes belongs to {shown(role)}. Migrations that run as the usual role"
        " may not alter or drop it later.",
        f"Leave it out, and hand over by name what has to belong to it: ALTER TABLE ... OWNER TO {shown(role)};",
        objects=(role,),
    )
