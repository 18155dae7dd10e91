"""Renames: the statement for each kind, and a snapshot as it looks after them."""

from __future__ import annotations

from collections.abc import Mapping

from ...sql.quote import ident, qualified
from ..model import ObjectId, SchemaObject, Snapshot
from .names import HOLDER_KINDS, INSIDE, own, relation, routine, word


def statements(now: ObjectId, wanted: ObjectId) -> list[str]:
    """The statements that give the object `now` the name, and the schema, of `wanted`."""
    made = []
    if now.kind in INSIDE or now.kind == "domain_constraint":
        if now.name == wanted.name:
            return []
        return [_inside(now, wanted.name)]
    if now.kind in ("function", "procedure", "aggregate"):
        name, wanted_name = now.name.partition("(")[0], wanted.name.partition("(")[0]
        if name != wanted_name:
            made.append(f"ALTER {word(now.kind)} {routine(now)} RENAME TO {ident(wanted_name)}")
            now = now._replace(name=wanted_name + "(" + now.name.partition("(")[2])
        if now.schema != wanted.schema:
            made.append(f"ALTER {word(now.kind)} {routine(now)} SET SCHEMA {ident(wanted.schema)}")
        return made
    if now.schema != wanted.schema:
        made.append(f"ALTER {word(now.kind)} {own(now)} SET SCHEMA {ident(wanted.schema)}")
        now = now._replace(schema=wanted.schema)
    if now.name != wanted.name:
        made.append(f"ALTER {word(now.kind)} {own(now)} RENAME TO {ident(wanted.name)}")
    return made


def _inside(now: ObjectId, name: str) -> str:
    table, old, new = relation(now), ident(now.name), ident(name)
    match now.kind:
        case "column":
            return f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"
        case "constraint":
            return f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}"
        case "domain_constraint":
            return f"ALTER DOMAIN {table} RENAME CONSTRAINT {old} TO {new}"
        case "index":
            return f"ALTER INDEX {qualified(now.schema, now.name)} RENAME TO {new}"
        case _:
            return f"ALTER {word(now.kind)} {old} ON {table} RENAME TO {new}"


def label(type_id: ObjectId, now: str, wanted: str) -> str:
    """An enum's label renamed."""
    from ...sql.quote import literal

    return f"ALTER TYPE {own(type_id)} RENAME VALUE {literal(now)} TO {literal(wanted)}"


def attribute(type_id: ObjectId, now: str, wanted: str) -> str:
    """A composite type's attribute renamed."""
    return f"ALTER TYPE {own(type_id)} RENAME ATTRIBUTE {ident(now)} TO {ident(wanted)} CASCADE"


def renamed(snapshot: Snapshot, pairs: Mapping[ObjectId, ObjectId]) -> Snapshot:
    """The snapshot with identities changed as `pairs` say, children of renamed relations too.

    Texts that the server printed (definitions) keep the old names: a plan made from it may make such objects anew
    without need. Where a server is at hand, rename there and read a snapshot instead.
    """
    if not pairs:
        return snapshot
    tables = {(a.schema, a.name): b for a, b in pairs.items() if a.kind in HOLDER_KINDS}

    def moved(id: ObjectId) -> ObjectId:
        if id in pairs:
            id = pairs[id]
        elif id.kind in INSIDE and (holder := tables.get((id.schema, id.parent))):
            id = id._replace(schema=holder.schema, parent=holder.name)
        return id

    objects = {
        moved(id): SchemaObject(moved(id), obj.properties, tuple(moved(d) for d in obj.depends))
        for id, obj in snapshot.objects.items()
    }
    return Snapshot(snapshot.engine, snapshot.server_version, snapshot.format, objects)
