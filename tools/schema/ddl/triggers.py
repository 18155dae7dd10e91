"""What fires or filters: triggers, rules, row security policies and event triggers."""

from __future__ import annotations

from ...sql.quote import ident
from ..model import ObjectId, SchemaObject
from . import trimmings
from .names import FINISH, Step, noun, own, relation

_STATES = {"origin": "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def create(made: SchemaObject, runs_as: str, version: int) -> list[Step]:
    p = made.properties
    steps = [Step(FINISH, _definition(made))]
    if p.get("enabled", "origin") != "origin":
        steps.append(Step(FINISH, switch(made.id, str(p["enabled"]))))
    if made.id.kind == "event_trigger":
        return steps + trimmings.for_new(made, runs_as, version, FINISH)
    return steps + trimmings.changes(made.id, {}, p, FINISH)


def drop(id: ObjectId) -> str:
    return f"DROP {noun(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject) -> bool:
    if now.id.kind == "policy":
        keys = ("command", "restrictive")
        a, b = now.properties, wanted.properties
        gone = any(a.get(k) and not b.get(k) for k in ("using", "check"))
        return not gone and all(a.get(k) == b.get(k) for k in keys)
    return bool(now.properties["definition"] == wanted.properties["definition"])


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    a, b = now.properties, wanted.properties
    steps = []
    if wanted.id.kind == "policy":
        keys = ("roles", "using", "check")
        if any(a.get(k) != b.get(k) for k in keys):
            steps.append(Step(FINISH, f"ALTER POLICY {own(wanted.id)}{_policy_tail(wanted)}"))
    elif a.get("enabled") != b.get("enabled"):
        steps.append(Step(FINISH, switch(wanted.id, str(b["enabled"]))))
    return steps + trimmings.changes(wanted.id, a, b, FINISH)


def switch(id: ObjectId, state: str) -> str:
    """The trigger or rule enabled or disabled: state is the snapshot's word for it."""
    verb = _STATES[state]
    if id.kind == "event_trigger":
        return f"ALTER EVENT TRIGGER {ident(id.name)} {verb}"
    what = "RULE" if id.kind == "rule" else "TRIGGER"
    return f"ALTER TABLE {relation(id)} {verb} {what} {ident(id.name)}"


def _definition(made: SchemaObject) -> str:
    if made.id.kind != "policy":
        return str(made.properties["definition"]).rstrip().rstrip(";")
    p = made.properties
    sql = f"CREATE POLICY {own(made.id)}"
    sql += " AS RESTRICTIVE" if p.get("restrictive") else ""
    if p.get("command", "all") != "all":
        sql += f" FOR {str(p['command']).upper()}"
    return sql + _policy_tail(made)


def _policy_tail(policy: SchemaObject) -> str:
    p = policy.properties
    tail = f" TO {', '.join(p['roles'])}" if p.get("roles") else ""
    tail += f" USING ({p['using']})" if p.get("using") else ""
    return tail + (f" WITH CHECK ({p['check']})" if p.get("check") else "")
