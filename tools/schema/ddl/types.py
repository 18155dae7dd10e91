"""Types of one's own: enums, composites, ranges, domains, and base types."""

from __future__ import annotations

from ...sql.quote import ident, literal, qualified
from ..model import ObjectId, SchemaObject, Snapshot
from . import trimmings
from .names import BUILD, FINISH, Step, own


def create(made: SchemaObject, runs_as: str, target: Snapshot) -> list[Step]:
    p = made.properties
    match made.id.kind:
        case "enum":
            labels = ", ".join(literal(label) for label in p.get("labels") or [])
            sql = f"CREATE TYPE {own(made.id)} AS ENUM ({labels})"
        case "composite":
            attributes = ", ".join(_attribute(a) for a in p.get("attributes") or [])
            sql = f"CREATE TYPE {own(made.id)} AS ({attributes})"
        case "domain":
            sql = f"CREATE DOMAIN {own(made.id)} AS {p['type']}"
            sql += f" COLLATE {p['collation']}" if p.get("collation") else ""
            sql += f" DEFAULT {p['default']}" if p.get("default") is not None else ""
            if p.get("not_null"):
                name = p.get("not_null_name")
                usual = f"{made.id.name}_not_null"
                if name and name != usual and target.server_version >= 170000:
                    sql += f" CONSTRAINT {ident(name)}"
                sql += " NOT NULL"
        case _:
            sql = str(p["definition"])
    steps = [Step(BUILD, sql), *trimmings.for_new(made, runs_as, target.server_version)]
    for attribute in p.get("attributes") or []:
        if attribute.get("comment"):
            steps.append(Step(BUILD, _attribute_comment(made.id, attribute["name"], attribute["comment"])))
    return steps


def drop(id: ObjectId) -> str:
    return f"DROP {'DOMAIN' if id.kind == 'domain' else 'TYPE'} {own(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject, *, labels_may_be_added: bool) -> bool:
    """Whether ALTER TYPE gets from one to the other.

    Labels can be added to an enum, never removed or reordered, and a label added cannot be used in the same
    transaction. Source: manual, ALTER TYPE.
    """
    a, b = now.properties, wanted.properties
    match now.id.kind:
        case "enum":
            have, want = list(a.get("labels") or []), list(b.get("labels") or [])
            if have == want:
                return True
            return labels_may_be_added and have == [label for label in want if label in set(have)]
        case "domain":
            return (a.get("type"), a.get("collation")) == (b.get("type"), b.get("collation"))
        case "composite":
            have, want = ([x["name"] for x in p.get("attributes") or []] for p in (a, b))
            return [n for n in have if n in want] + [n for n in want if n not in have] == want  # new ones go to the end
        case _:
            return a.get("definition") == b.get("definition")


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    a, b = now.properties, wanted.properties
    steps: list[Step] = []
    name = own(wanted.id)
    match now.id.kind:
        case "enum":
            have, want = set(a.get("labels") or []), list(b.get("labels") or [])
            for place, label in enumerate(want):
                if label not in have:
                    where = f" AFTER {literal(want[place - 1])}" if place else ""
                    if not place and len(want) > 1:
                        where = f" BEFORE {literal(next((w for w in want[1:] if w in have), want[1]))}"
                    steps.append(Step(BUILD, f"ALTER TYPE {name} ADD VALUE {literal(label)}{where}"))
        case "domain":
            if a.get("default") != b.get("default"):
                tail = f"SET DEFAULT {b['default']}" if b.get("default") is not None else "DROP DEFAULT"
                steps.append(Step(BUILD, f"ALTER DOMAIN {name} {tail}"))
            if bool(a.get("not_null")) != bool(b.get("not_null")):
                phase, verb = (FINISH, "SET") if b.get("not_null") else (BUILD, "DROP")
                steps.append(Step(phase, f"ALTER DOMAIN {name} {verb} NOT NULL"))
        case "composite":
            steps += _attributes(wanted.id, a.get("attributes") or [], b.get("attributes") or [])
    return steps + trimmings.changes(wanted.id, a, b)


def set_aside(id: ObjectId, name: str) -> str:
    """The old type renamed out of the way of the one that takes its place."""
    return f"ALTER {'DOMAIN' if id.kind == 'domain' else 'TYPE'} {own(id)} RENAME TO {ident(name)}"


def _attribute(attribute: dict[str, str]) -> str:
    collate = f" COLLATE {attribute['collation']}" if attribute.get("collation") else ""
    return f"{ident(attribute['name'])} {attribute['type']}{collate}"


def _attributes(id: ObjectId, now: list[dict[str, str]], wanted: list[dict[str, str]]) -> list[Step]:
    have, want = {a["name"]: a for a in now}, {a["name"]: a for a in wanted}
    steps = []
    keys = ("type", "collation")
    for name in have:
        if name not in want:
            steps.append(Step(BUILD, f"ALTER TYPE {own(id)} DROP ATTRIBUTE {ident(name)} CASCADE"))
    for name, attribute in want.items():
        if name not in have:
            steps.append(Step(BUILD, f"ALTER TYPE {own(id)} ADD ATTRIBUTE {_attribute(attribute)} CASCADE"))
        elif any(have[name].get(k) != attribute.get(k) for k in keys):
            type_name = _attribute(attribute).removeprefix(ident(name) + " ")
            steps.append(Step(BUILD, f"ALTER TYPE {own(id)} ALTER ATTRIBUTE {ident(name)} TYPE {type_name} CASCADE"))
        if attribute.get("comment") != have.get(name, {}).get("comment"):
            steps.append(Step(BUILD, _attribute_comment(id, name, attribute.get("comment"))))
    return steps


def _attribute_comment(id: ObjectId, name: str, comment: str | None) -> str:
    return (
        f"COMMENT ON COLUMN {qualified(id.schema, id.name)}.{ident(name)} IS {literal(comment) if comment else 'NULL'}"
    )
