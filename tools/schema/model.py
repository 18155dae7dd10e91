"""A database schema as plain, comparable data: every object by its identity, with the properties that make it.

The server itself prints every expression and definition in here (pg_get_*def, format_type), so two snapshots
taken by one server version compare as text without false differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class ObjectId(NamedTuple):
    """The name of an object: kind, schema, the object it belongs to (a table's name, or ""), and its own name.

    For functions the name carries the argument types: "total(integer, text)". Examples:
    ("table", "public", "", "orders"), ("column", "public", "orders", "total"),
    ("constraint", "public", "orders", "orders_pkey"), ("function", "public", "", "total(integer)").
    """

    kind: str
    schema: str
    parent: str
    name: str

    def __str__(self) -> str:
        parts = [p for p in (self.schema, self.parent, self.name) if p]
        return f"{self.kind} {'.'.join(parts)}"


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One object: its identity, its properties (JSON-plain values only), and the objects it depends on."""

    id: ObjectId
    properties: Mapping[str, Any]
    depends: tuple[ObjectId, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every object of a database's schema at one moment, by identity; iteration is in sorted order of identity."""

    engine: str
    server_version: int
    format: int
    objects: Mapping[ObjectId, SchemaObject] = field(default_factory=dict)

    def __iter__(self) -> Iterator[SchemaObject]:
        return iter(self.objects[k] for k in sorted(self.objects))

    def of(self, kind: str) -> tuple[SchemaObject, ...]:
        """The objects of one kind, sorted by identity."""
        return tuple(self.objects[k] for k in sorted(self.objects) if k.kind == kind)

    def children(self, table: ObjectId, kind: str) -> tuple[SchemaObject, ...]:
        """The columns, constraints, indexes or triggers of a table; columns in their order."""
        found = [
            o for k, o in self.objects.items() if k.kind == kind and (k.schema, k.parent) == (table.schema, table.name)
        ]
        return tuple(sorted(found, key=lambda o: (o.properties.get("position", 0), o.id)))
