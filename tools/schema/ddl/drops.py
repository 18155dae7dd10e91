"""Dropping: each object by its own statement, or with what takes it along, dependants first."""

from __future__ import annotations

from ..model import ObjectId
from . import columns, constraints, functions, indexes, others, sequences, tables, triggers, types, views
from .closure import Closure, qualified_text
from .names import BUILD, DROP, INSIDE, ROUTINES, TABLE_KINDS, TYPES, Step, as_list, own
from .units import Units


class Drops:
    """The units that take objects away, and defaults and identities that are away for a while."""

    def __init__(self, work: Closure, units: Units) -> None:
        self.work, self.units = work, units
        self.source = work.source
        self.version = work.source.server_version
        self.gone = {(i.kind, qualified_text(i)): i for i in work.drop if not i.parent or i.kind == "index"}

    def add(self) -> None:
        work = self.work
        carriers = {id: self._carrier(id) for id in work.drop}
        unit_of = {id: carriers[id] or id for id in work.drop}
        for id in sorted(work.drop):
            if carriers[id] is None:
                self.units.add("drop", id, self._drop_steps(id))
        # Foreign keys that go with their table and point at another table that goes: that one goes later. Two tables
        # that point at each other: the keys go first, by statements of their own.
        for id in sorted(work.drop):
            obj = self.source.objects[id]
            unit = unit_of[id]
            for other in obj.depends:
                if other in work.drop and unit_of[other] != unit:
                    self.units.before(("drop", unit), ("drop", unit_of[other]))
            if id.schema:
                schema = ObjectId("schema", "", "", id.schema)
                if schema in work.drop:
                    self.units.before(("drop", unit), ("drop", schema))
        self._untie(unit_of)
        for column in sorted(work.redefault):
            if column in work.drop or column not in self.source.objects:
                continue
            kind = work.kind_of(column.schema, column.parent)
            follows = self.source.objects[column].properties.get("inherited") and column in work.retype
            steps = [] if follows else [Step(DROP, columns.without_default(column, kind))]
            self.units.add("redefault", column, steps)
            for other in self.source.objects[column].depends:
                if other in work.drop:
                    self.units.before(("redefault", column), ("drop", unit_of[other]))
        for column, (now, wanted) in sorted(work.alter.items()):
            if column.kind == "column" and now.properties.get("identity") and not wanted.properties.get("identity"):
                step = Step(DROP, columns.without_identity(column))
                self.units.add("unidentify", column, [step])
        for table in sorted(work.untype - work.drop):
            self.units.add("untype", table, [Step(DROP, f"ALTER TABLE {own(table)} NOT OF")])
        for publication in sorted(work.refresh - work.drop):
            self._unpublish(publication)

    def _carrier(self, id: ObjectId) -> ObjectId | None:
        """What takes a dropped object along, so that it needs no statement of its own."""
        obj, work = self.source.objects[id], self.work
        p = obj.properties
        if id.kind in INSIDE:
            holder = work.holders.get((id.schema, id.parent))
            if holder in work.drop:
                return holder
        if id.kind == "sequence":
            if owner := p.get("owned_by"):
                column = ObjectId("column", *owner)
                if column in work.drop:
                    return self._carrier(column) or column
            if p.get("identity"):
                return id
        if id.kind == "index":
            if p.get("constraint"):
                constraint = ObjectId("constraint", id.schema, id.parent, str(p["constraint"]))
                if constraint in work.drop:
                    return self._carrier(constraint) or constraint
            if parent := p.get("partition_of"):
                whole = self.gone.get(("index", str(parent)))
                if whole is not None and whole != id:
                    return self._carrier(whole) or whole
        if id.kind in ("index", "constraint"):
            for name in [*as_list(p.get("columns")), *as_list(p.get("include"))]:
                column = ObjectId("column", id.schema, id.parent, str(name).strip('"'))
                if column in work.drop and column in self.source.objects:
                    return self._carrier(column) or column
        if id.kind in ("constraint", "trigger") and p.get("inherited") and not p.get("also_local"):
            parent_id = self._inherited_from(id)
            if parent_id in work.drop:
                return self._carrier(parent_id) or parent_id
        if id.kind == "column" and p.get("inherited") and not p.get("also_local"):
            parent_id = self._inherited_from(id)
            if parent_id in work.drop:
                return self._carrier(parent_id) or parent_id
        if id.kind in TABLE_KINDS and (parent := p.get("partition_of")):
            whole = self.gone.get(("table", str(parent)))
            if whole is not None:
                return self._carrier(whole) or whole
        if id.kind in ROUTINES:
            for other in obj.depends:
                if other.kind == "base_type" and other in work.drop and id in self.source.objects[other].depends:
                    return other  # a type and the functions that read and write it go together
        if id.kind == "domain_constraint":
            domain = ObjectId("domain", id.schema, "", id.parent)
            if domain in work.drop:
                return domain
        return None

    def _inherited_from(self, id: ObjectId) -> ObjectId:
        holder = self.work.holders.get((id.schema, id.parent))
        table = self.source.objects.get(holder) if holder else None
        parents = (
            [] if table is None else [table.properties.get("partition_of"), *as_list(table.properties.get("inherits"))]
        )
        for parent in filter(None, parents):
            above = self.work.by_text.get(str(parent))
            found = ObjectId(id.kind, above.schema, above.name, id.name) if above else None
            if found in self.work.drop:
                return found
        return ObjectId(id.kind, "", "", "")

    def _unpublish(self, publication: ObjectId) -> None:
        """A table leaves a publication that names columns of it, while one of them is away."""
        gone = {(i.schema, i.parent) for i in self.work.drop if i.kind == "column"}
        steps = []
        for entry in self.source.objects[publication].properties.get("tables") or []:
            holder = self.work.by_text.get(entry["table"])
            bound = entry.get("columns") or entry.get("where")
            if holder and holder not in self.work.drop and bound and (holder.schema, holder.name) in gone:
                steps.append(Step(DROP, f"ALTER PUBLICATION {own(publication)} DROP TABLE {entry['table']}"))
        if steps:
            unit = self.units.add("unpublish", publication, steps)
            for key, other in self.units.all.items():
                if key[0] == "drop" and key[1].kind == "column":
                    other.needs.add(("unpublish", unit.id))

    def _own_functions(self, id: ObjectId) -> bool:
        """Whether functions of the type's own read and write its values."""
        needs = self.source.objects[id].depends
        return any(other.kind in ROUTINES and id in self.source.objects[other].depends for other in needs)

    def _untie(self, unit_of: dict[ObjectId, ObjectId]) -> None:
        """Drop foreign keys on their own where dropped tables point at each other in a circle."""
        keys = [
            (id, unit_of[id], unit_of[o])
            for id in self.work.drop
            if id.kind == "constraint" and self.source.objects[id].properties.get("type") == "foreign key"
            for o in self.source.objects[id].depends
            if o in self.work.drop and unit_of[id] != id and unit_of[o] != unit_of[id]
        ]
        after: dict[ObjectId, set[ObjectId]] = {}
        for (_, first), second in [(k, u.needs) for k, u in self.units.all.items()]:
            after.setdefault(first, set()).update(n for _, n in second)
        for id, table, other in keys:
            if _reaches(after, table, other) and _reaches(after, other, table):
                self.units.add("drop", id, [Step(DROP, constraints.drop(id, self.source))])
                self.units.all["drop", other].needs.discard(("drop", table))
                self.units.before(("drop", id), ("drop", table))
                self.units.before(("drop", id), ("drop", other))

    def _drop_steps(self, id: ObjectId) -> list[Step]:
        obj = self.source.objects[id]
        if id.kind == "sequence" and obj.properties.get("identity"):
            return []
        if id.kind in TYPES:
            if id in self.work.aside:
                return [Step(BUILD, types.drop(id._replace(name=aside_name(id))))]
            cascade = " CASCADE" if id.kind == "base_type" and self._own_functions(id) else ""
            return [Step(BUILD if not cascade else DROP, types.drop(id) + cascade)]
        if id.kind in TABLE_KINDS:
            return [Step(DROP, tables.drop(id))]
        if id.kind == "column":
            if obj.properties.get("inherited") and not obj.properties.get("also_local"):
                return []
            if typed(self.work, id):
                return []  # goes with the attribute of its type
            return [Step(DROP, columns.drop(id, self.work.kind_of(id.schema, id.parent)))]
        if id.kind == "constraint":
            if obj.properties.get("inherited") and not obj.properties.get("also_local"):
                return []
            return [Step(DROP, constraints.drop(id, self.source))]
        if id.kind == "domain_constraint":
            return [Step(DROP, constraints.drop_on_domain(id))]
        if id.kind == "index":
            return [Step(DROP, indexes.drop(id))]
        if id.kind in ("view", "materialized_view"):
            return [Step(DROP, views.drop(id))]
        if id.kind in ROUTINES:
            return [Step(DROP, functions.drop(id))]
        if id.kind in ("trigger", "rule", "policy", "event_trigger"):
            return [] if obj.properties.get("inherited") else [Step(DROP, triggers.drop(id))]
        if id.kind == "sequence":
            return [Step(DROP, sequences.drop(id))]
        return [Step(DROP, s.sql) for s in others.drop(id, obj, self.version)]


def typed(work: Closure, column: ObjectId) -> bool:
    """Whether the column belongs to a table that is of the same composite type before and after."""
    table = ObjectId("table", column.schema, "", column.parent)
    now, wanted = work.source.objects.get(table), work.target.objects.get(table)
    if now is None or wanted is None or table in work.drop:
        return False
    of_type = now.properties.get("of_type")
    return bool(of_type) and of_type == wanted.properties.get("of_type") and table not in work.untype


def aside_name(id: ObjectId) -> str:
    return f"{id.name[:50]}__old"


def _reaches(after: dict[ObjectId, set[ObjectId]], start: ObjectId, end: ObjectId) -> bool:
    """Whether `end` is among what `start` waits for, directly or through others."""
    seen, todo = set(), [start]
    while todo:
        for other in after.get(todo.pop(), ()):
            if other == end:
                return True
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return False
