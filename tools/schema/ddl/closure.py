"""Which objects go, come, change or have to be made anew on the way from one schema to another.

An object that cannot be changed in place is dropped and made anew, and so is everything that stands on it: views on
a column whose type changes, indexes and constraints on a function, policies, triggers, routines. A column is never
dropped for what its default calls or for a type that is made anew: its default is taken away for a while, and it is
moved to the new type.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from ...sql.quote import ident, qualified
from ..model import ObjectId, SchemaObject, Snapshot
from . import columns, constraints, conversions, functions, indexes, others, tables, triggers, types, views
from .conversions import base
from .names import HOLDER_KINDS, INSIDE, ROUTINES, TABLE_KINDS, TYPES, as_list

# Not compared: where a column stands, and what the server names or fills by itself.
QUIET = ("position", "not_null_name", "attached", "detached")


class Closure:
    """The work between two snapshots of one database.

    drop: objects of `source` that go (also those that are made anew, then in `create` too). alter: object -> (now,
    wanted). retype: columns that move to a type made anew. redefault: columns whose default is away for a while.
    aside: types that are renamed out of the way until no column uses them. refresh: publications to set anew.
    untype: typed tables that let go of their type while it is made anew.
    """

    def __init__(
        self,
        source: Snapshot,
        target: Snapshot,
        *,
        labels_may_be_added: bool = True,
        anew: Collection[ObjectId] = (),
    ) -> None:
        self.source, self.target = source, target
        self.labels_may_be_added = labels_may_be_added
        self.drop: set[ObjectId] = set()
        self.create: set[ObjectId] = set()
        self.alter: dict[ObjectId, tuple[SchemaObject, SchemaObject]] = {}
        self.retype: set[ObjectId] = set()
        self.redefault: set[ObjectId] = set()
        self.aside: set[ObjectId] = set()
        self.refresh: set[ObjectId] = set()
        self.untype: set[ObjectId] = set()
        self.holders = {(o.schema, o.name): o for o in source.objects if o.kind in HOLDER_KINDS}
        self.by_text = {qualified_text(o): o for o in self.holders.values()}
        self.target_holders = {(o.schema, o.name): o for o in target.objects if o.kind in HOLDER_KINDS}
        self._children: dict[tuple[str, str], list[ObjectId]] = defaultdict(list)
        self._dependants: dict[ObjectId, list[ObjectId]] = defaultdict(list)
        self._owned: dict[tuple[str, ...], list[ObjectId]] = defaultdict(list)
        self._parts: dict[str, list[ObjectId]] = defaultdict(list)
        for id, obj in source.objects.items():
            if id.kind in INSIDE:
                self._children[id.schema, id.parent].append(id)
            for other in {*obj.depends, *own_columns(obj)}:
                self._dependants[other].append(id)
            if id.kind == "sequence" and obj.properties.get("owned_by"):
                self._owned[tuple(obj.properties["owned_by"])].append(id)
            for parent in [obj.properties.get("partition_of"), *as_list(obj.properties.get("inherits"))]:
                if parent:
                    self._parts[str(parent)].append(id)
        self._todo: list[tuple[str, ObjectId]] = []
        self._seen: set[tuple[str, ObjectId]] = set()
        self._classify()
        for id in anew:
            self._remake(id)
        self._follow()

    def kind_of(self, schema: str, name: str) -> str:
        """The kind of the relation that a child belongs to ("table" when it is in neither snapshot)."""
        found = self.target_holders.get((schema, name)) or self.holders.get((schema, name))
        return found.kind if found else "table"

    def _classify(self) -> None:
        before, after = self.source.objects, self.target.objects
        for id in sorted(before):
            if id not in after:
                self._drop(id)
        for id in sorted(after):
            if id not in before:
                self.create.add(id)
            elif different(before[id].properties, after[id].properties) and id not in self.drop:
                self._change(id, before[id], after[id])
        names = {(o.schema, o.name) for o in self.create if o.kind in TYPES}
        for id in list(self.drop):
            if id.kind in TYPES and (id.schema, id.name) in names:
                self.aside.add(id)

    def _change(self, id: ObjectId, now: SchemaObject, wanted: SchemaObject) -> None:
        if id.kind == "column" and (table := self._of_parents_alone(now, wanted)):
            self._remake(table)
            return
        if not self._alterable(now, wanted):
            self._remake(id)
            return
        self.alter[id] = (now, wanted)
        if id.kind == "column" and columns.retyped(now, wanted):
            self._push("retype", id)
        elif id.kind == "column" and now.properties.get("default") != wanted.properties.get("default"):
            pass

    def _of_parents_alone(self, now: SchemaObject, wanted: SchemaObject) -> ObjectId | None:
        """The table of a column that is its own now and was its parents' alone: INHERIT takes it as both, so the table
        is made anew. A partition's columns become its parent's when it is attached."""
        a, b = now.properties, wanted.properties
        if not b.get("inherited") or b.get("also_local") or (a.get("inherited") and not a.get("also_local")):
            return None
        table = self.target_holders.get((now.id.schema, now.id.parent))
        if table is None or table.kind != "table" or table not in self.source.objects:
            return None
        return None if self.target.objects[table].properties.get("partition_of") else table

    def _alterable(self, now: SchemaObject, wanted: SchemaObject) -> bool:
        kind = now.id.kind
        if kind in TABLE_KINDS:
            return tables.can_alter(now, wanted)
        if kind == "column":
            holder = self.target_holders.get((now.id.schema, now.id.parent))
            if holder and holder.kind in ("view", "materialized_view"):
                return True
            return columns.can_alter(now, wanted, self.source.server_version)
        if kind in ("view", "materialized_view"):
            return views.can_alter(now, wanted, self.source, self.target)
        if kind == "constraint":
            return constraints.can_alter(now, wanted)
        if kind == "domain_constraint":
            return bool(now.properties["definition"] == wanted.properties["definition"])
        if kind == "index":
            return indexes.can_alter(now, wanted)
        if kind == "statistics":
            return indexes.alter_statistics(now, wanted) is not None
        if kind in ROUTINES:
            return functions.can_alter(now, wanted)
        if kind in ("trigger", "rule", "policy", "event_trigger"):
            return triggers.can_alter(now, wanted)
        if kind in TYPES:
            return types.can_alter(now, wanted, labels_may_be_added=self.labels_may_be_added)
        if kind == "sequence":
            return bool(now.properties.get("identity")) == bool(wanted.properties.get("identity"))
        return others.alter(now, wanted, self.source.server_version) is not None

    def _push(self, what: str, id: ObjectId) -> None:
        if (what, id) not in self._seen:
            self._seen.add((what, id))
            self._todo.append((what, id))

    def _drop(self, id: ObjectId) -> None:
        self.alter.pop(id, None)
        self.drop.add(id)
        self._push("drop", id)

    def _remake(self, id: ObjectId) -> None:
        """Drop the object, and make it anew when the target has it."""
        if id in self.drop:
            if id in self.target.objects:
                self.create.add(id)
            return
        if id.kind in TYPES and id in self.target.objects:
            self.aside.add(id)
        if id in self.target.objects:
            self.create.add(id)
        self._drop(id)

    def _follow(self) -> None:
        while self._todo:
            what, id = self._todo.pop()
            if what == "drop":
                self._follow_drop(id)
            else:
                self._follow_retype(id)

    def _follow_drop(self, id: ObjectId) -> None:
        obj = self.source.objects[id]
        if id.kind in HOLDER_KINDS:
            for child in self._children[id.schema, id.name]:
                self._remake(child)
        if id.kind in TABLE_KINDS:
            for part in self._parts[qualified_text(id)]:
                if part.kind in TABLE_KINDS and part in self.target.objects:
                    self._remake(part)
        if id.kind == "column":
            for sequence in self._owned[id.schema, id.parent, id.name]:
                self._remake(sequence)
        if id.kind == "constraint" and obj.properties.get("type") in ("primary key", "unique", "exclude", "exclusion"):
            index = ObjectId("index", id.schema, id.parent, id.name)
            if index in self.source.objects:
                self._remake(index)
        if id.kind == "index" and obj.properties.get("constraint"):
            self._remake(ObjectId("constraint", id.schema, id.parent, str(obj.properties["constraint"])))
        if id.kind == "index":
            for part in self._parts[qualified_text(id)]:
                self._remake(part)
        if id.kind in TYPES:
            self._users_of_type(id)
        for other in self._dependants[id]:
            if other not in self.drop:
                self._stands_on(other, id)

    def _stands_on(self, other: ObjectId, gone: ObjectId) -> None:
        """`other` depends on something that goes."""
        obj = self.source.objects[other]
        if other.kind == "column":
            if obj.properties.get("generated"):
                self._remake(other)
            elif gone.kind in TYPES and names_type(obj.properties.get("type"), gone):
                self._push("retype", other)
            elif obj.properties.get("default") is not None:
                self.redefault.add(other)
        elif other.kind == "publication":
            self.refresh.add(other)
        elif (
            other.kind in TABLE_KINDS
            or other.kind in ("sequence", "schema", "default_privileges", "extension")
            or other.kind == "index"
            and gone.kind == "column"
            and not self._index_goes(other)
        ):
            return
        else:
            self._remake(other)

    def _index_goes(self, id: ObjectId) -> bool:
        return id in self.source.objects

    @staticmethod
    def _attributes(snapshot: Snapshot, composite: ObjectId) -> list[str]:
        found = snapshot.objects.get(composite)
        return [a["name"] for a in as_list(found.properties.get("attributes"))] if found else []

    def _users_of_type(self, id: ObjectId) -> None:
        """Columns, domains and composites of a type that goes or is made anew."""
        for other, obj in self.source.objects.items():
            if other in self.drop:
                continue
            if other.kind == "column" and names_type(obj.properties.get("type"), id):
                holder = self.holders.get((other.schema, other.parent))
                if holder and holder.kind in TABLE_KINDS:
                    self._push("retype", other)
            elif other.kind == "table" and obj.properties.get("of_type") == qualified_text(id):
                if id not in self.target.objects or self._attributes(self.source, id) == self._attributes(
                    self.target, id
                ):
                    self.untype.add(other)
                else:  # its columns have to stand as the type's attributes do
                    self._remake(other)
            elif (
                other.kind == "domain"
                and names_type(obj.properties.get("type"), id)
                or other.kind == "composite"
                and any(names_type(a.get("type"), id) for a in obj.properties.get("attributes") or [])
            ):
                self._remake(other)

    def _follow_retype(self, id: ObjectId) -> None:
        """A column gets another type: what looks at its values has to step aside."""
        obj = self.source.objects.get(id)
        if obj is None or id in self.drop:
            return
        if obj.properties.get("generated"):
            self._remake(id)
            return
        wanted = self.target.objects.get(id)
        if wanted is None:
            return
        if root := self._partitioned_by(id):
            self._remake(root)  # the type of a partition key cannot change
            return
        if not columns.retyped(obj, wanted):
            self.retype.add(id)
        self.alter.setdefault(id, (obj, wanted))
        if obj.properties.get("default") is not None:
            self.redefault.add(id)
        for part in self._parts[qualified_text(ObjectId("table", id.schema, "", id.parent))]:
            child = ObjectId("column", part.schema, part.name, id.name)
            if child in self.source.objects:
                self._push("retype", child)
        for other in self._dependants[id]:
            if other not in self.drop and self._minds_type(self.source.objects[other], obj, wanted):
                self._remake(other)

    def _partitioned_by(self, column: ObjectId) -> ObjectId | None:
        """The table at the top, when the column is part of its partition key or of a partition's own."""
        top = self.holders.get((column.schema, column.parent))
        if top is None or top.kind != "table":
            return None
        while parent := self.source.objects[top].properties.get("partition_of"):
            above = self.by_text.get(str(parent))
            if above is None:
                break
            top = above
        name = re.escape(ident(column.name))
        todo = [top]
        while todo:
            table = todo.pop()
            key = str(self.source.objects[table].properties.get("partition_key") or "")
            if re.search(rf"(?<![\w\"]){name}(?![\w\"])", key.partition("(")[2]):
                return top
            todo += [p for p in self._parts[qualified_text(table)] if p.kind == "table"]
        return None

    def _minds_type(self, other: SchemaObject, now: SchemaObject, wanted: SchemaObject) -> bool:
        """Whether ALTER COLUMN ... TYPE fails, or gives another result, while `other` looks at the column."""
        p = other.properties
        match other.id.kind:
            case "index":
                return bool(p.get("predicate")) or any(not _plain(c) for c in as_list(p.get("columns")))
            case "constraint":
                if p.get("type") == "primary key":  # a value that the type cannot hold is NULL for a while
                    return conversions.guarded(now.properties, wanted.properties, self.source)
                if p.get("type") == "foreign key" and conversions.comparable(now.properties, wanted.properties):
                    return False  # the server checks the key anew by itself
                return p.get("type") in ("check", "foreign key", "exclude", "exclusion")
            case "column":
                return bool(p.get("generated"))
            case "sequence" | "table" | "publication":
                return False
            case _:
                return True


def own_columns(obj: SchemaObject) -> list[ObjectId]:
    """The columns of its table that a constraint or an index names; `depends` leaves them out."""
    if obj.id.kind not in ("constraint", "index"):
        return []
    p = obj.properties
    names = [*as_list(p.get("columns")), *as_list(p.get("include"))]
    return [ObjectId("column", obj.id.schema, obj.id.parent, str(n).strip('"')) for n in names]


def _plain(column: object) -> bool:
    """Whether an index key is a bare column name."""
    return isinstance(column, str) and not any(c in column for c in "( ")


def qualified_text(id: ObjectId) -> str:
    """The object's name as the server prints it in property texts."""
    return qualified(id.schema, id.name)


def names_type(type_name: Any, id: ObjectId) -> bool:
    """Whether a type as printed is this type, or an array of it."""
    return bool(type_name) and base(str(type_name)).removesuffix("[]") == qualified_text(id)


def different(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties that differ, those aside that say nothing of the schema."""
    return tuple(k for k in sorted({*now, *wanted}) if k not in QUIET and now.get(k) != wanted.get(k))
