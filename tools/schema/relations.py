"""Relations and what fills them: tables, views, sequences, columns, enums, domains and composite types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .canonical import canonical, printed
from .catalog import PG_CLASS, PG_TYPE, Catalog, kept
from .model import ObjectId

Rows = Iterable[tuple[Any, ...]]

_NULL = re.compile(r"NULL::[\w .\"]+(\(-?\d+(, ?-?\d+)?\))?[\w ]*(\[\])*")
_KINDS = {"r": "table", "p": "table", "f": "foreign_table", "v": "view", "m": "materialized_view", "S": "sequence"}
_PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}
_IDENTITY = {"a": "always", "d": "by default"}
_REPLICA_IDENTITY = {"d": "default", "f": "full", "n": "nothing", "i": "index"}


def add_relations(catalog: Catalog, rows: Rows) -> None:
    """Tables, foreign tables, views, materialized views and sequences; composites come as types."""
    addresses, types = catalog.addresses[PG_CLASS], catalog.addresses[PG_TYPE]
    members, keep = catalog.members, catalog.properties
    for oid, relkind, schema, name, rowtype, owner, acl, persistence, replica, method, seldom in rows:
        catalog.shown[oid] = catalog.qualified(schema, name)
        kind = _KINDS.get(relkind)
        if kind is None or (PG_CLASS, oid) in members:
            continue
        found: dict[str, Any] = {
            "owner": owner,
            "grants": catalog.grants(acl or ("s" if relkind == "S" else "r"), owner),
        }
        if relkind in "rpS":
            found["persistence"] = _PERSISTENCE[persistence]
        if relkind in "rp":
            found["replica_identity"] = _REPLICA_IDENTITY[replica]
        if method is not None:
            found["access_method"] = method
        if seldom is not None:
            found.update(kept(seldom))
        id = ObjectId(kind, schema, "", name)
        keep[id] = found
        addresses[oid] = catalog.relations[schema, name] = id
        if rowtype:
            types[rowtype] = id


def add_sequences(catalog: Catalog, rows: Rows) -> None:
    """The options of sequences."""
    at = catalog.addresses[PG_CLASS]
    for oid, type_, start, increment, low, high, cache, cycle in rows:
        if (id := at.get(oid)) is None:
            continue
        found = catalog.properties[id]
        found.update(type=type_, start=start, increment=increment, min=low, max=high, cache=cache)
        if cycle:
            found["cycle"] = True


def add_types(catalog: Catalog, rows: Rows) -> None:
    """Enums, domains and composites; array and multirange types become other names of what they belong to."""
    for oid, kind, relation, belongs_to, schema, name, owner, acl, labels, base, collation, not_null, default in rows:
        if belongs_to:
            catalog.other_names[oid] = belongs_to
            continue
        if kind not in "edc" or acl is None or (PG_TYPE, oid) in catalog.members:
            continue
        found: dict[str, Any] = {"owner": owner, "grants": catalog.grants(acl, owner)}
        if kind == "e":
            found["labels"] = labels
        elif kind == "c":
            found["attributes"] = []
        else:
            found["type"] = base
            maybe = (("collation", collation), ("not_null", not_null), ("default", default and canonical(default)))
            found.update(pair for pair in maybe if pair[1])
        id = ObjectId({"e": "enum", "d": "domain", "c": "composite"}[kind], schema, "", name)
        catalog.add(PG_TYPE, oid, id, found)
        if relation:
            catalog.addresses[PG_CLASS][relation] = id


def add_columns(catalog: Catalog, rows: Rows) -> None:
    """Columns of relations, attributes of composites; and of every relation the rows by number."""
    relation: ObjectId | None = None
    last = position = 0
    schema = table = ""
    at, keep = catalog.addresses[PG_CLASS], catalog.properties
    for row in rows:
        oid, number, name, _, _, type_, not_null, identity, seldom = row
        if oid != last:
            last, position, relation = oid, 0, at.get(oid)
            numbers = catalog.numbers[oid] = {}
            if relation is not None:
                _, schema, _, table = relation
                columns = catalog.columns[oid] = {}
        numbers[number] = row
        if relation is None:
            continue
        if relation.kind == "composite":
            attribute = {"name": name, "type": type_}
            if seldom and seldom["collation"]:
                attribute["collation"] = seldom["collation"]
            keep[relation]["attributes"].append(attribute)
            continue
        position += 1
        found: dict[str, Any] = {"position": position, "type": type_}
        if not_null:
            found["not_null"] = True
        if identity:
            found["identity"] = _IDENTITY[identity]
        if seldom is not None:
            found.update(kept(seldom))
            if seldom["statistics_target"] == 0:
                found["statistics_target"] = 0
            if "grants" in found:
                found["grants"] = catalog.grants(found["grants"], keep[relation]["owner"])
        columns[number] = id = ObjectId("column", schema, table, name)
        keep[id] = found


def set_defaults(catalog: Catalog, rows: Rows) -> None:
    """Columns' defaults and generated expressions."""
    columns, keep = catalog.columns, catalog.properties
    for relation, number, text in rows:
        if relation not in columns:
            continue
        found = keep[columns[relation][number]]
        if "generated" in found:
            found["expression"] = printed(text)
        elif not (
            printed(text).startswith("NULL::") and _says_nothing(catalog, text, catalog.numbers[relation][number][3])
        ):
            found["default"] = printed(text)


def _says_nothing(catalog: Catalog, default: str, type_oid: int) -> bool:
    """Whether the default is a mere NULL, as a dump writes it for a partition without its parent's default. On a
    domain it does say something: the domain's own default does not apply."""
    if _NULL.fullmatch(default) is None:
        return False
    named = catalog.at(PG_TYPE, type_oid)
    return named is None or named.kind not in ("domain", "extension")


def set_queries(catalog: Catalog, rows: Rows) -> None:
    """What views and materialized views select."""
    at = catalog.addresses[PG_CLASS]
    for oid, text in rows:
        if oid in at:
            catalog.properties[at[oid]]["definition"] = printed(text).strip()


def add_not_nulls(catalog: Catalog, rows: Rows) -> None:
    """What NOT NULL constraints say beyond NOT NULL, as properties of their column or domain."""
    for table, domain, number, name, invalid, no_inherit, inherited in rows:
        id = catalog.at(PG_CLASS, table, number) if table else catalog.addresses[PG_TYPE].get(domain)
        if id is None or id.kind not in ("column", "domain"):
            continue
        maybe = (
            ("not_null_name", name),
            ("not_null_invalid", invalid),
            ("not_null_no_inherit", no_inherit),
            ("not_null_inherited", inherited),
        )
        catalog.properties[id].update(pair for pair in maybe if pair[1])
