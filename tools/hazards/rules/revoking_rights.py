"""Rights taken away: REVOKE of a right or a membership, DROP POLICY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key, relation_key
from ..step import Step
from ..words import LONGEST, names, shown

OPTIONS = {"admin": "ADMIN", "inherit": "INHERIT", "set": "SET"}


@rule(
    id="revoking-rights",
    title="Rights taken away",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("grant_stmt", "grant_role_stmt", "drop_stmt"),
    effect=Effect.RUNS,
    why="Programs that still use the right fail with 'permission denied' from the next statement on, open sessions too. "
    "Without a policy rows appear that it hid, or all rows are hidden.",
    fix="Take rights away in a later release than their last use, with the GRANT that gives them back at hand.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="REVOKE SELECT ON orders FROM reporting;",
    good="CREATE TABLE audit (id bigint PRIMARY KEY);\nREVOKE ALL ON audit FROM PUBLIC;",
    unfixed="Who still uses the right is not in the file: find out first, and keep the GRANT that gives it back.",
    source="Manual, REVOKE; section 5.8 Privileges; section 5.9 Row Security Policies; measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "drop_stmt":
        if object_word(step.node, "remove_type") == "POLICY":
            yield from _policies(step)
    elif not step.node.is_grant:
        yield from _rights(step) if step.node_name == "grant_stmt" else _membership(step)


def _who(step: Step, roles: Any) -> str:
    """The roles that lose something, as SQL; "" when all of them are new."""
    specs = [r.role_spec for r in roles]
    kinds = [grammar.enum_name(s, "roletype").removeprefix("ROLESPEC_") for s in specs]
    if all(k == "CSTRING" and _is_new(step, str(s.rolename)) for k, s in zip(kinds, specs, strict=True)):
        return ""
    return ", ".join(shown(str(s.rolename)) if k == "CSTRING" else k for k, s in zip(kinds, specs, strict=True))


def _is_new(step: Step, role: str) -> bool:
    return step.catalog.is_new_object("ROLE", role)


def _rights(step: Step) -> Iterator[Hit]:
    node = step.node
    word = object_word(node, "objtype")
    whole = grammar.enum_name(node, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA"
    found = [key(object_name(o)) for o in node.objects]
    old = tuple(n for n in found if not step.catalog.is_new_object("SCHEMA" if whole else word, n))
    who = _who(step, node.grantees)
    if not old or not who:
        return
    what = names([n for n in old if n][:3]) or "these objects"
    if whole:
        what = f"all that schema {what} holds"
    rights = ", ".join(str(p.access_priv.priv_name).upper() for p in node.privileges) or "all rights"
    if node.grant_option:
        why = (
            f"{who} may no longer hand {rights} on {what} on to others. What it handed on goes too with CASCADE; without,"
            " the statement fails if there is any."
        )
    else:
        why = (
            f"This takes {rights} on {what} from {who}. Programs that still use that fail with 'permission denied' at their"
            " next statement, in open sessions too."
        )
    yield Hit(why, _way_back(step), old[0] if word == "TABLE" and not whole else "", objects=old)


def _membership(step: Step) -> Iterator[Hit]:
    node = step.node
    groups = tuple(str(g.access_priv.priv_name) for g in node.granted_roles)
    who = _who(step, node.grantee_roles)
    if not who or all(_is_new(step, g) for g in groups):
        return
    options = [OPTIONS.get(str(o.def_elem.defname), "") for o in node.opt]
    what = f"the {options[0]} option of the membership in" if options and options[0] else "the membership in"
    yield Hit(
        f"This takes {what} {names(groups)} from {who}. What its programs do by that fails with 'permission denied' at"
        " their next statement, in open sessions too.",
        _way_back(step),
        objects=groups,
    )


def _way_back(step: Step) -> str:
    """What to do, with the GRANT that undoes the REVOKE where it can be written."""
    back = type(step.node)()
    back.CopyFrom(step.node)
    back.is_grant = True
    back.ClearField("behavior")
    if step.node_name == "grant_role_stmt":
        for option in back.opt:
            option.def_elem.arg.boolean.boolval = True
    try:
        sql = grammar.statement_text(step.node_name, back)
    except (grammar.GrammarError, ValueError):
        sql = ""
    if not sql or len(sql) > LONGEST:
        return "Make sure that no program uses it any more, and keep the GRANT that gives it back at hand."
    return f"Make sure that no program uses it any more, and keep the way back at hand: {sql};"


def _policies(step: Step) -> Iterator[Hit]:
    for target in step.node.objects:
        place = key(object_name(target))
        table, _, policy = place.rpartition(".")
        if step.catalog.is_new(table) or step.catalog.is_new_object("POLICY", place):
            continue
        made_again = any(
            a.node_name == "create_policy_stmt"
            and str(a.node.policy_name) == policy
            and relation_key(a.node.table) == table
            for a in step.after
        )
        if made_again and step.in_transaction:
            continue
        yield Hit(
            f"Without policy {shown(policy)} other rows of {shown(table)} are seen: those that a restrictive policy hid"
            " appear, those that a permissive one showed are gone. With row security on and no policy left, all but the"
            " owner see none, and no error says so.",
            f"Change it with ALTER POLICY {shown(policy)} ON {shown(table)} ...; or drop it and create the one that replaces"
            " it in one transaction.",
            table,
            objects=(table, policy),
            lock="ACCESS EXCLUSIVE",
        )
