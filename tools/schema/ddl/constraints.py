"""Constraints of tables and of domains."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from ..model import ObjectId, SchemaObject, Snapshot
from . import trimmings
from .names import FINISH, Step, relation

BACKED = ("primary key", "unique", "exclusion", "exclude")  # by an index of the same name


def create(constraint: SchemaObject, target: Snapshot, *, only: bool = False) -> list[Step]:
    """ADD CONSTRAINT; only: on a partitioned table, without its partitions (their own ones are attached after)."""
    table = f"{'ONLY ' if only else ''}{relation(constraint.id)}"
    word = "ALTER FOREIGN TABLE" if _foreign(constraint, target) else "ALTER TABLE"
    definition = constraint.properties["definition"]
    steps = [Step(FINISH, f"{word} {table} ADD CONSTRAINT {ident(constraint.id.name)} {definition}")]
    return steps + trimmings.changes(constraint.id, {}, constraint.properties, FINISH)


def comes_with_parent(constraint: SchemaObject) -> bool:
    """Whether a partition's key is made by the server, when the partitioned table's is or the partition is attached."""
    p = constraint.properties
    return bool(p.get("inherited") and not p.get("also_local") and not p.get("attached") and p.get("type") in BACKED)


def named_as_wanted(constraint: SchemaObject) -> list[Step]:
    """A key that came with the parent's gets its name, where that is not the one which the server chooses.

    Source: ChooseIndexName in commands/indexcmds.c; a name that would be too long is cut, and not guessed here.
    """
    id, p = constraint.id, constraint.properties
    columns = "_".join(str(c) for c in p.get("columns") or ())
    end = {"primary key": "pkey", "unique": f"{columns}_key"}.get(str(p.get("type")), f"{columns}_excl")
    usual = f"{id.parent}_{end}"
    steps = []
    if usual != id.name and len(usual.encode()) < 64:
        steps.append(Step(FINISH, f"ALTER INDEX {qualified(id.schema, usual)} RENAME TO {ident(id.name)}"))
    return steps + trimmings.changes(id, {}, p, FINISH)


def drop(id: ObjectId, snapshot: Snapshot) -> str:
    word = "ALTER TABLE"
    if ObjectId("foreign_table", id.schema, "", id.parent) in snapshot.objects:
        word = "ALTER FOREIGN TABLE"
    return f"{word} {relation(id)} DROP CONSTRAINT {ident(id.name)}"


def can_alter(now: SchemaObject, wanted: SchemaObject) -> bool:
    """Only what hangs on a constraint, and a foreign key's deferral, change without making it anew."""
    a, b = dict(now.properties), dict(wanted.properties)
    for key in (
        "comment",
        "security_labels",
        "inherited",
        "also_local",
        "attached",
        "detached",
    ):  # the latter follow from parents
        a.pop(key, None)
        b.pop(key, None)
    if a == b:
        return True
    if b.get("type") == "foreign key":
        for key in ("deferrable", "initially_deferred"):
            a.pop(key, None)
            b.pop(key, None)
        a["definition"], b["definition"] = _plain(a["definition"]), _plain(b["definition"])
        return a == b
    return False


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    steps = []
    keys = ("deferrable", "initially_deferred")
    if any(now.properties.get(k) != wanted.properties.get(k) for k in keys):
        defer = "DEFERRABLE" if wanted.properties.get("deferrable") else "NOT DEFERRABLE"
        if wanted.properties.get("deferrable"):
            defer += f" INITIALLY {'DEFERRED' if wanted.properties.get('initially_deferred') else 'IMMEDIATE'}"
        steps.append(
            Step(FINISH, f"ALTER TABLE {relation(wanted.id)} ALTER CONSTRAINT {ident(wanted.id.name)} {defer}")
        )
    return steps + trimmings.changes(wanted.id, now.properties, wanted.properties, FINISH)


def validate(id: ObjectId) -> str:
    return f"ALTER TABLE {relation(id)} VALIDATE CONSTRAINT {ident(id.name)}"


def create_on_domain(constraint: SchemaObject) -> list[Step]:
    domain = relation(constraint.id)
    definition = constraint.properties["definition"]
    made = f"ALTER DOMAIN {domain} ADD CONSTRAINT {ident(constraint.id.name)} {definition}"
    return [Step(FINISH, made), *trimmings.changes(constraint.id, {}, constraint.properties, FINISH)]


def drop_on_domain(id: ObjectId) -> str:
    return f"ALTER DOMAIN {relation(id)} DROP CONSTRAINT {ident(id.name)}"


def _plain(definition: object) -> str:
    """A foreign key's definition without what it says of deferral."""
    text = str(definition)
    for tail in (" INITIALLY DEFERRED", " INITIALLY IMMEDIATE", " NOT DEFERRABLE", " DEFERRABLE"):
        text = text.replace(tail, "")
    return text


def _foreign(constraint: SchemaObject, target: Snapshot) -> bool:
    return ObjectId("foreign_table", constraint.id.schema, "", constraint.id.parent) in target.objects
