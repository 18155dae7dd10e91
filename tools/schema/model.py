"""A database schema as plain, comparable data: every object by its identity, with the properties that make it.

The server itself prints every expression and definition in here (pg_get_*def, format_type), so two snapshots
taken by one server version compare as text without false differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
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


@dataclass(frozen=True)
class Snapshot:
    """Every object of a database's schema at one moment, by identity; iteration is in sorted order of identity."""

    engine: str
    server_version: int
    format: int
    objects: Mapping[ObjectId, SchemaObject] = field(default_factory=dict)

    def __iter__(self) -> Iterator[SchemaObject]:
        return iter(self._sorted)

    def of(self, kind: str) -> tuple[SchemaObject, ...]:
        """The objects of one kind, sorted by identity."""
        return self._by_kind.get(kind, ())

    def children(self, table: ObjectId, kind: str) -> tuple[SchemaObject, ...]:
        """The columns, constraints, indexes or triggers of a table; columns in their order."""
        return self._by_parent.get((kind, table.schema, table.name), ())

    @cached_property
    def _sorted(self) -> tuple[SchemaObject, ...]:
        return tuple(self.objects[k] for k in sorted(self.objects))

    @cached_property
    def _by_kind(self) -> dict[str, tuple[SchemaObject, ...]]:
        found: dict[str, list[SchemaObject]] = {}
        for item in self._sorted:
            found.setdefault(item.id.kind, []).append(item)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def _by_parent(self) -> dict[tuple[str, str, str], tuple[SchemaObject, ...]]:
        found: dict[tuple[str, str, str], list[SchemaObject]] = {}
        for item in self._sorted:
            if item.id.parent:
                found.setdefault(item.id[:3], []).append(item)
        return {
            place: tuple(sorted(items, key=lambda o: (o.properties.get("position", 0), o.id)))
            for place, items in found.items()
        }
