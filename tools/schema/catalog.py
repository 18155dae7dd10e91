"""What the snapshot queries found, gathered under the names that people know: oids in, ObjectIds out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any

from .acl import grants
from .canonical import Vanished, canonical
from .model import ObjectId, SchemaObject

# Oids of the system catalogs themselves, fixed since they were introduced (catalog/pg_*.h).
PG_TYPE, PG_CLASS, PG_CONSTRAINT, PG_REWRITE, PG_EXTENSION = 1247, 1259, 2606, 2618, 3079

_NOTHING: dict[int, ObjectId] = {}
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_PRINTED = ("definition", "using", "check", "predicate", "partition_key", "arguments")
_OPTIONS = ("options", "fdw_options")


class Catalog:
    """The objects under way. A property that is None, False, "" or empty is not kept."""

    def __init__(
        self,
        keywords: Iterable[str],
        members: Mapping[tuple[int, int], int],
        default_acls: Mapping[str, str],
        default_owner: str,
    ) -> None:
        self.properties: dict[ObjectId, dict[str, Any]] = {}
        self.addresses: dict[int, dict[int, ObjectId]] = {PG_CLASS: {}, PG_TYPE: {}, PG_CONSTRAINT: {}}
        self.columns: dict[int, dict[int, ObjectId]] = {}  # relation -> number -> column
        self.relations: dict[tuple[str, str], ObjectId] = {}
        self.shown: dict[int, str] = {}  # relation -> its printed name
        self.numbers: dict[int, dict[int, tuple[Any, ...]]] = {}  # relation -> number -> row of snapshot_columns
        self.other_names: dict[int, int] = {}  # array, multirange -> the type that it comes with
        self.needs: dict[ObjectId, list[ObjectId]] = {}
        self.members = members
        self._default_acls = {kind: list(grants(acl, default_owner)) for kind, acl in default_acls.items()}
        self.quoted: Callable[[str], str] = _Quoted(keywords).__getitem__  # a name as this server prints it

    def qualified(self, schema: str, name: str) -> str:
        return f"{self.quoted(schema)}.{self.quoted(name)}"

    def grants(self, acl: str, owner: str) -> list[str]:
        """The rights of an acl; of one that is only a letter, the default ones of that kind of object."""
        default = self._default_acls.get(acl)
        return list(grants(acl, owner)) if default is None else default

    def add(self, classid: int, oid: int, id: ObjectId, properties: dict[str, Any]) -> None:
        """Keep an object under its address; `properties` holds no empty values any more."""
        self.addresses.setdefault(classid, {})[oid] = id
        self.properties[id] = properties

    def add_rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Keep rows of the general form: catalog, oid, kind, schema, parent, name, owner, acl, properties."""
        for classid, oid, kind, schema, parent, name, owner, acl, found in rows:
            if (classid, oid) in self.members:
                continue
            if kind in ("trigger", "policy", "rule"):
                relation = self.relations.get((schema, parent))
                if relation is None:
                    continue
                if name == "_RETURN" and kind == "rule":  # a view's query: speaks for the view
                    self.addresses.setdefault(classid, {})[oid] = relation
                    continue
            if found is not None and "definition" in found and found["definition"] is None:
                raise Vanished
            properties = dict(kept(found or {}))
            if kind == "default_privileges":
                properties["grants"] = self.grants(acl, owner)
            else:
                if owner is not None:
                    properties["owner"] = owner
                if acl is not None:
                    properties["grants"] = self.grants(acl, owner)
            self.add(classid, oid, ObjectId(kind, schema, parent, name), properties)

    def at(self, classid: int, oid: int, sub: int = 0) -> ObjectId | None:
        """The object at an address: a column when `sub` says so; an extension's member is its extension."""
        if sub and classid == PG_CLASS:
            column = self.columns.get(oid, _NOTHING).get(sub)
            if column is not None:
                return column
        if classid == PG_TYPE:
            while oid in self.other_names:
                oid = self.other_names[oid]
        found = self.addresses.get(classid, {}).get(oid)
        if found is None and (extension := self.members.get((classid, oid))) is not None:
            return self.addresses[PG_EXTENSION].get(extension)
        return found

    def objects(self) -> dict[ObjectId, SchemaObject]:
        """Every object, with what it needs."""
        needs = {id: _sorted(needed) for id, needed in self.needs.items()}
        ids = self.properties.keys()
        depends = map(needs.get, ids, repeat(()))
        return dict(zip(ids, map(SchemaObject, ids, self.properties.values(), depends), strict=True))


class _Quoted(dict[str, str]):
    """Names as the server's quote_ident prints them (quote_identifier in utils/adt/ruleutils.c)."""

    def __init__(self, keywords: Iterable[str]) -> None:
        super().__init__()
        self._keywords = frozenset(keywords)

    def __missing__(self, name: str) -> str:
        plain = _PLAIN.fullmatch(name) is not None and name not in self._keywords
        self[name] = name if plain else '"' + name.replace('"', '""') + '"'
        return self[name]


def _sorted(needed: list[ObjectId]) -> tuple[ObjectId, ...]:
    return tuple(needed) if len(needed) < 2 else tuple(sorted(set(needed)))


def kept(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The properties worth keeping: not empty, printed text in canonical form, options by name (foreign ones as they stand)."""
    for key, value in found.items():
        if value is None or value is False or value == "" or value == [] or value == {}:
            continue
        if key in _PRINTED:
            value = canonical(value)
        elif key in _OPTIONS:
            pairs = [(name, text) for name, _, text in (o.partition("=") for o in value)]
            value = dict(sorted(pairs) if key == "options" else pairs)
        yield key, value
