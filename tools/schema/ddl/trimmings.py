"""What hangs on an object of any kind: its owner, comment, security labels and grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...sql.quote import ident, literal
from ..model import ObjectId, SchemaObject
from . import grants
from .names import BUILD, ROUTINES, Step, noun, own, word

NO_OWNER = ("column", "constraint", "index", "trigger", "policy", "rule", "cast", "transform", "extension")


def for_new(obj: SchemaObject, runs_as: str, version: int, phase: int = BUILD) -> list[Step]:
    """Owner, grants, comment and labels of an object that was just made by role `runs_as`."""
    made: dict[str, Any] = {"owner": runs_as}
    if "grants" in obj.properties:
        made["grants"] = grants.defaults(obj.id.kind, version)
    return changes(obj.id, made, obj.properties, phase)


def changes(id: ObjectId, now: Mapping[str, Any], wanted: Mapping[str, Any], phase: int = BUILD) -> list[Step]:
    """Statements that turn the trimmings `now` into those `wanted`."""
    steps = []
    owner = wanted.get("owner")
    follows = bool(wanted.get("identity") or (wanted.get("owned_by") and now.get("owned_by")))  # its table's owner
    if owner and owner != now.get("owner") and id.kind not in NO_OWNER and not follows:
        steps.append(Step(phase, f"ALTER {_owned(id)} OWNER TO {ident(owner)}"))
    if wanted.get("comment") != now.get("comment"):
        text = literal(wanted["comment"]) if wanted.get("comment") else "NULL"
        steps.append(Step(phase, f"COMMENT ON {noun(id)} IS {text}"))
    before, after = now.get("security_labels") or {}, wanted.get("security_labels") or {}
    for provider in sorted({*before, *after}):
        if before.get(provider) != after.get(provider):
            label = literal(after[provider]) if provider in after else "NULL"
            steps.append(Step(phase, f"SECURITY LABEL FOR {ident(provider)} ON {noun(id)} IS {label}"))
    for extension in sorted({*(now.get("depends_on_extensions") or ()), *(wanted.get("depends_on_extensions") or ())}):
        has, should = (extension in (p.get("depends_on_extensions") or ()) for p in (now, wanted))
        if has != should:
            no = "" if should else "NO "
            steps.append(Step(phase, f"ALTER {noun(id)} {no}DEPENDS ON EXTENSION {ident(extension)}"))
    if now.get("grants") != wanted.get("grants"):
        steps += [
            Step(phase, sql)
            for sql in grants.changes(id, now.get("grants") or [], wanted.get("grants") or [], str(owner or ""))
        ]
    return steps


def _owned(id: ObjectId) -> str:
    """The object as ALTER ... OWNER TO names it."""
    if id.kind in ROUTINES:
        return f"{word(id.kind)} {own(id)}"
    return noun(id)
