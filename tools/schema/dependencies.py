"""What every object needs, under the names that people know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .catalog import PG_EXTENSION, PG_REWRITE, PG_TYPE, Catalog
from .model import ObjectId

# Entries that only exist as a part of something: operators and functions of an operator class or family, the tables
# and schemas of a publication (pg_amop, pg_amproc, pg_publication_rel, pg_publication_namespace).
_PARTS = {2602: (2616, 2753), 2603: (2616, 2753), 6106: (6104,), 6237: (6104,)}


def add_dependencies(catalog: Catalog, rows: Iterable[tuple[Any, ...]]) -> None:
    """Keep what the rows of pg_depend say; who owns a sequence becomes a property of the sequence.

    A sequence that a column owns is not made to depend on the column (unless it is an identity's): the column's
    default needs the sequence first.
    """
    at = catalog.at
    parts: dict[tuple[int, int], ObjectId] = {}
    late = []
    for row in rows:
        classid, oid, sub, ref_class, ref_oid, ref_sub, how = row
        if classid in _PARTS:
            if ref_class in _PARTS[classid] and (whole := at(ref_class, ref_oid)) is not None:
                parts[classid, oid] = whole
            late.append(row)
            continue
        id = at(classid, oid, sub)
        if id is None or id.kind == "extension" and classid != PG_EXTENSION:
            continue
        needed = at(ref_class, ref_oid, ref_sub)
        if needed is None:
            continue
        if how == "x":
            catalog.properties[id].setdefault("depends_on_extensions", []).append(needed.name)
        elif id.kind == "sequence" and needed.kind == "column" and how in "ai":
            _own(catalog, id, needed, how)
        else:
            _need(catalog, id, needed)
    for classid, oid, _, ref_class, ref_oid, ref_sub, _ in late:
        whole, needed = parts.get((classid, oid)), at(ref_class, ref_oid, ref_sub)
        if whole is not None and needed is not None:
            _need(catalog, whole, needed)


def _need(catalog: Catalog, id: ObjectId, needed: ObjectId) -> None:
    """Note the dependency, unless it is on the object itself, on its parent, or a constraint's on its own columns."""
    if needed == id or (needed.name == id.parent and needed.schema == id.schema and not needed.parent):
        return
    if id.kind == "constraint" and needed.kind == "column" and needed[1:3] == id[1:3]:
        return
    if needed.parent == id.name and needed.schema == id.schema and not id.parent:
        return  # a view's rule on the view's own column, a table's bound on its key
    catalog.needs.setdefault(id, []).append(needed)


def _own(catalog: Catalog, sequence: ObjectId, column: ObjectId, how: str) -> None:
    found = catalog.properties[sequence]
    found["owned_by"] = [column.schema, column.parent, column.name]
    if how == "i":
        found["identity"] = True
        catalog.properties[column]["identity_sequence"] = catalog.qualified(sequence.schema, sequence.name)
        catalog.needs.setdefault(sequence, []).append(column)


def add_comments(catalog: Catalog, rows: Iterable[tuple[Any, ...]]) -> None:
    """Keep comments and security labels with their objects; on an attribute, with the composite type's attribute."""
    for provider, classid, oid, sub, text in rows:
        if (classid, oid) in catalog.members or (classid == PG_TYPE and oid in catalog.other_names):
            continue
        id = catalog.at(classid, oid, sub)
        if id is None or (classid == PG_REWRITE and id.kind != "rule"):
            continue
        found = catalog.properties[id]
        if classid == PG_TYPE and "persistence" in found:
            continue  # on a table's row type
        if sub and id.kind != "column":
            if id.kind != "composite":
                continue
            name = catalog.numbers[oid][sub][2]
            found = next(a for a in found["attributes"] if a["name"] == name)
        if provider is None:
            found["comment"] = text
        else:
            found.setdefault("security_labels", {})[provider] = text
