"""What objects were called before and after a migration: by their address in the catalog, which a rename keeps.

So a rename is seen, not guessed: also one inside a block or a function. An object that was dropped and made anew
under its old name has another address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..databases.queries import load
from ..schema.ddl import renames
from ..schema.model import ObjectId, Snapshot

if TYPE_CHECKING:
    from ..databases.postgres import Connection

_CLASSES = ("table", "foreign_table", "view", "materialized_view", "sequence", "composite", "index")
_COLUMNS = ("column", "attribute")
# Names of these share one space with each other.
_RELATIONS = ("table", "foreign_table", "view", "materialized_view", "sequence", "index")


class Address(NamedTuple):
    """Where an object stands in the catalog: which catalog, its oid there, and a column's number."""

    catalog: str
    oid: int
    number: int = 0


class Named(NamedTuple):
    """An object's name at one moment; `type` of a column as printed, `file` of a table's storage."""

    id: ObjectId
    type: str
    file: int


class Identities:
    """All names of one moment, by address and the other way round."""

    def __init__(self, rows: list[tuple[str, int, int, str, str, str, str, int]]) -> None:
        self.by_address: dict[Address, Named] = {}
        self.by_id: dict[ObjectId, Address] = {}
        for kind, oid, number, schema, parent, name, type_name, file in rows:
            catalog = "class" if kind in _CLASSES else "column" if kind in _COLUMNS else kind
            address = Address(catalog, oid, number)
            id = ObjectId(kind, schema, parent, name)
            self.by_address[address] = Named(id, type_name, file)
            self.by_id[id] = address

    def at(self, address: Address | None) -> Named | None:
        return self.by_address.get(address) if address else None

    def table(self, oid: int) -> ObjectId | None:
        """The table with this oid; None for other relations."""
        found = self.by_address.get(Address("class", oid))
        return found.id if found and found.id.kind == "table" else None


def read(conn: Connection) -> Identities:
    """The identities of this moment. In a transaction of the caller's, what it has not committed is read too."""
    row = conn.execute(load("postgres", "rollback_schemas").encode()).fetchone()
    schemas = row[0] if row and row[0] else []
    rows = conn.execute(load("postgres", "rollback_identities").encode(), {"schemas": schemas}).fetchall()
    return Identities(rows)


class Rename(NamedTuple):
    """An object that is called `now` and was called `was`."""

    now: ObjectId
    was: ObjectId


def renamed(before: Identities, after: Identities, snapshot: Snapshot) -> list[Rename]:
    """What the migration renamed or moved to another schema; holders before what they hold.

    snapshot: of the moment after. What follows by itself is left out: columns and constraints of partitions and
    children, a key's index, and objects of a renamed schema.
    """
    found = []
    for address, old in before.by_address.items():
        new = after.by_address.get(address)
        if new is not None and new.id != old.id and new.id.kind == old.id.kind:
            found.append(Rename(new.id, old.id))
    moved = {(r.now.schema, r.was.schema) for r in found if r.now.kind == "table" and r.now.schema != r.was.schema}
    found = [_with_its_table(r, moved, snapshot) for r in found]
    schemas = {r.now.name: r.was.name for r in found if r.now.kind == "schema"}
    keep = []
    for rename in found:
        now, was = rename
        if now.kind in ("column", "constraint", "index", "trigger", "policy", "rule", "label", "attribute"):
            if now.name == was.name or _follows(now, snapshot):
                continue
        elif now.kind == "domain_constraint":
            if now.name == was.name:
                continue
        elif now.kind != "schema" and schemas.get(now.schema, now.schema) == was.schema and now.name == was.name:
            continue
        keep.append(rename)
    keys = {(r.now.schema, r.now.parent, r.now.name) for r in keep if r.now.kind == "constraint"}
    keep = [r for r in keep if r.now.kind != "index" or (r.now.schema, r.now.parent, r.now.name) not in keys]
    order = {"schema": 0, **dict.fromkeys(_CLASSES[:-1], 1), "enum": 1, "domain": 1, "range": 1}
    return sorted(keep, key=lambda r: (order.get(r.now.kind, 2), r.now))


def _with_its_table(rename: Rename, moved: set[tuple[str, str]], snapshot: Snapshot) -> Rename:
    """A sequence that a table owns changes its schema with the table; what is left is its name."""
    now, was = rename
    if now.kind != "sequence" or (now.schema, was.schema) not in moved:
        return rename
    there = snapshot.objects.get(now)
    owned = there is None or there.properties.get("owned_by")
    return Rename(now._replace(schema=was.schema), was) if owned else rename


def _follows(id: ObjectId, snapshot: Snapshot) -> bool:
    obj = snapshot.objects.get(id)
    if obj is None:
        return False
    return bool(obj.properties.get("inherited")) and not obj.properties.get("also_local")


def undone(changes: list[Rename], snapshot: Snapshot) -> list[str]:
    """The statements that give everything its old name back; what stands in the way is renamed aside.

    snapshot: of the moment after the migration. An object that takes an old name, and goes in any case, is called
    <name>__new for as long as it lives; objects that swapped names go by way of a third.
    """
    statements: list[str] = []
    names: dict[ObjectId, ObjectId] = {}  # what holders are called by now
    schemas: dict[str, str] = {}

    def current(id: ObjectId) -> ObjectId:
        """The object's reference after the renames so far."""
        schema = schemas.get(id.schema, id.schema)
        if id.parent:
            holder = next((n for h, n in names.items() if (h.schema, h.name) == (id.schema, id.parent)), None)
            if holder:
                return id._replace(schema=holder.schema, parent=holder.name)
        return id._replace(schema=schema)

    taken = {_space(i): i for i in snapshot.objects}
    moving = {r.now: r.was for r in changes}
    for now, was in changes:
        here = current(now)
        wanted = was if not was.parent else here._replace(name=was.name)
        occupant = taken.get(_space(wanted if not was.parent else was._replace(parent=here.parent, schema=here.schema)))
        if occupant is not None and occupant != now and occupant.kind not in ("label", "attribute"):
            there = current(occupant)
            aside = there._replace(name=f"{there.name[:55]}__new")
            statements += _statement(there, aside)
            if occupant in moving:  # it is renamed itself, later: from its new place
                moving[aside] = moving.pop(occupant)
            names[occupant] = aside
            taken.pop(_space(occupant), None)
        target = names.get(now)
        statements += _statement(target or here, wanted)
        taken.pop(_space(now), None)
        taken[_space(wanted)] = now
        if now.kind == "schema":
            schemas[now.name] = was.name
        elif not now.parent:
            names[now] = wanted
    return statements


def _statement(now: ObjectId, wanted: ObjectId) -> list[str]:
    if now.kind == "label":
        return [renames.label(ObjectId("enum", now.schema, "", now.parent), now.name, wanted.name)]
    if now.kind == "attribute":
        return [renames.attribute(ObjectId("composite", now.schema, "", now.parent), now.name, wanted.name)]
    return renames.statements(now, wanted)


def _space(id: ObjectId) -> tuple[str, str, str, str]:
    """Where a name has to be unique."""
    if id.kind in _RELATIONS:
        return ("relation", id.schema, "", id.name)
    if id.kind in ("enum", "domain", "range", "composite", "base_type"):
        return ("type", id.schema, "", id.name)
    return id.kind, id.schema, id.parent, id.name


def by_statement(pairs: Mapping[ObjectId, ObjectId]) -> list[Rename]:
    """Renames as `diff.renames_of` gives them (before -> after), for where no server was asked."""
    return sorted(Rename(after, before) for before, after in pairs.items())
