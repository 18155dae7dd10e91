"""A snapshot as documentation reads it: tables with all that belongs to them, found without searching."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..schema.model import ObjectId, SchemaObject, Snapshot

# What differs between environments that have one schema: who owns a thing, who may use it, where it is stored.
ENVIRONMENT = frozenset(
    {"owner", "grants", "tablespace", "security_labels", "populated", "not_null_name", "attached", "detached"}
)

TABLE_KINDS = ("table", "foreign_table")
VIEW_KINDS = ("view", "materialized_view")
ROUTINE_KINDS = ("function", "procedure", "aggregate")
TYPE_KINDS = ("enum", "domain", "composite", "range", "base_type")

# Kinds that are about roles and rights, or about one environment's wiring, and are not documented.
LEFT_OUT = frozenset({"default_privileges", "user_mapping", "subscription"})

# Whose definition names hosts and the like.
WIRING = frozenset({"server"})


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key with both ends. optional: a row may have no parent. unique: a parent has at most one such row."""

    name: str
    child: ObjectId
    columns: tuple[str, ...]
    parent: ObjectId
    parent_columns: tuple[str, ...]
    optional: bool
    unique: bool
    object: SchemaObject


class Outline:
    """Tables, their parts and the links between them. `parts` of a relation are sorted by identity, columns by place."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._parts: dict[tuple[str, str, str], list[SchemaObject]] = {}
        for id in sorted(snapshot.objects):
            if id.parent:
                self._parts.setdefault((id.kind, id.schema, id.parent), []).append(snapshot.objects[id])
        for (kind, _, _), found in self._parts.items():
            if kind == "column":
                found.sort(key=lambda o: o.properties.get("position", 0))

    def parts(self, relation: ObjectId, kind: str) -> tuple[SchemaObject, ...]:
        """What belongs to a relation, of one kind ("column", "constraint", "index", "trigger", "policy", "rule")."""
        return tuple(self._parts.get((kind, relation.schema, relation.name), ()))

    def all_parts(self, relation: ObjectId) -> tuple[SchemaObject, ...]:
        """Everything that belongs to a relation."""
        kinds = ("column", "constraint", "index", "trigger", "policy", "rule")
        return tuple(part for kind in kinds for part in self.parts(relation, kind))

    @cached_property
    def tables(self) -> tuple[SchemaObject, ...]:
        """Tables with a page of their own: all but partitions, which stand on the page of what they are part of."""
        found = [o for kind in TABLE_KINDS for o in self.snapshot.of(kind) if not o.properties.get("partition_of")]
        return tuple(sorted(found, key=lambda o: (o.id.schema, o.id.name)))

    @cached_property
    def partitions(self) -> Mapping[ObjectId, tuple[SchemaObject, ...]]:
        """The partitions of a partitioned table, those of its partitions too, by name."""
        by_name = {(o.id.schema, o.id.name): o for kind in TABLE_KINDS for o in self.snapshot.of(kind)}
        found: dict[ObjectId, list[SchemaObject]] = {}
        for table in by_name.values():
            top, seen = table, {table.id}
            while (above := by_name.get(named(top.properties.get("partition_of", "")))) and above.id not in seen:
                top = above
                seen.add(above.id)
            if top is not table:
                found.setdefault(top.id, []).append(table)
        return {k: tuple(sorted(v, key=lambda o: o.id)) for k, v in found.items()}

    @cached_property
    def views(self) -> tuple[SchemaObject, ...]:
        return self._of(VIEW_KINDS)

    @cached_property
    def routines(self) -> tuple[SchemaObject, ...]:
        return self._of(ROUTINE_KINDS)

    @cached_property
    def types(self) -> tuple[SchemaObject, ...]:
        return self._of(TYPE_KINDS)

    @cached_property
    def sequences(self) -> tuple[SchemaObject, ...]:
        return self._of(("sequence",))

    @cached_property
    def others(self) -> tuple[SchemaObject, ...]:
        """Objects of the rarer kinds, by kind and name; schemas and extensions have a page of their own."""
        shown = {*TABLE_KINDS, *VIEW_KINDS, *ROUTINE_KINDS, *TYPE_KINDS, "sequence", "schema", "extension"}
        return tuple(o for o in self.snapshot if o.id.kind not in shown | LEFT_OUT and not o.id.parent)

    def _of(self, kinds: Iterable[str]) -> tuple[SchemaObject, ...]:
        found = [o for kind in kinds for o in self.snapshot.of(kind)]
        return tuple(sorted(found, key=lambda o: (o.id.schema, o.id.name, o.id.kind)))

    @cached_property
    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """Every foreign key of a table with a page; those of partitions come from their parent."""
        by_name = {(t.id.schema, t.id.name): t.id for t in self.tables}
        pages = set(by_name.values())
        found = []
        for constraint in self.snapshot.of("constraint"):
            properties = constraint.properties
            if properties.get("type") != "foreign key":
                continue
            child = next((i for i in self._tables_named(constraint.id) if i in pages), None)
            parent = by_name.get(named(properties.get("references", "")))
            if child is None or parent is None:
                continue
            columns = tuple(properties.get("columns", ()))
            empty = {c.id.name for c in self.parts(child, "column") if not c.properties.get("not_null")}
            found.append(
                ForeignKey(
                    constraint.id.name,
                    child,
                    columns,
                    parent,
                    tuple(properties.get("referenced_columns", ())),
                    bool(set(columns) & empty),
                    any(set(key) <= set(columns) for key in self.unique_keys(child)),
                    constraint,
                )
            )
        return tuple(found)

    def _tables_named(self, part: ObjectId) -> Iterable[ObjectId]:
        return (ObjectId(kind, part.schema, "", part.parent) for kind in TABLE_KINDS)

    @cached_property
    def keys_from(self) -> Mapping[ObjectId, tuple[ForeignKey, ...]]:
        """The foreign keys of each table."""
        return _grouped(self.foreign_keys, lambda k: k.child)

    @cached_property
    def keys_to(self) -> Mapping[ObjectId, tuple[ForeignKey, ...]]:
        """The foreign keys that point at each table."""
        return _grouped(self.foreign_keys, lambda k: k.parent)

    def primary_key(self, table: ObjectId) -> tuple[str, ...]:
        for constraint in self.parts(table, "constraint"):
            if constraint.properties.get("type") == "primary key":
                return tuple(constraint.properties.get("columns", ()))
        return ()

    def unique_keys(self, table: ObjectId) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that are unique over the whole table, the primary key among them."""
        found = [
            tuple(c.properties.get("columns", ()))
            for c in self.parts(table, "constraint")
            if c.properties.get("type") in ("primary key", "unique")
        ]
        for index in self.parts(table, "index"):
            if index.properties.get("unique") and not index.properties.get("predicate"):
                found.append(tuple(index.properties.get("columns", ())))
        return tuple(dict.fromkeys(key for key in found if key))


def _grouped(keys: Iterable[ForeignKey], by: Any) -> Mapping[ObjectId, tuple[ForeignKey, ...]]:
    found: dict[ObjectId, list[ForeignKey]] = {}
    for key in keys:
        found.setdefault(by(key), []).append(key)
    return {k: tuple(v) for k, v in found.items()}


_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def named(written: str) -> tuple[str, str]:
    """Schema and name of a relation that the server wrote, qualified and quoted where needed: 'app."Order Line"'."""
    parts = [m[2] if m[2] is not None else m[1].replace('""', '"') for m in _PART.finditer(written)]
    return (parts[0], parts[1]) if len(parts) == 2 else ("", parts[0] if parts else "")


def shown_name(id: ObjectId) -> str:
    """An object's name for people: without the schema when it is public."""
    name = f"{id.parent}.{id.name}" if id.parent else id.name
    return name if id.schema in ("", "public") else f"{id.schema}.{name}"


def facts(objects: Iterable[SchemaObject], *also: str) -> str:
    """A fingerprint of what is documented of some objects: 16 hexadecimal digits over identity and properties, without
    what belongs to the environment (ENVIRONMENT). The order given counts; the place of a column by number does not.
    also: what else is told beside them."""
    told: list[Any] = [[*o.id, {k: v for k, v in o.properties.items() if _is_told(o, k)}] for o in objects]
    text = json.dumps([told, also], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_told(found: SchemaObject, key: str) -> bool:
    return key not in ENVIRONMENT and key != "position" and not (found.id.kind == "extension" and key == "version")
