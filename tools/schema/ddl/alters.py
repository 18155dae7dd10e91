"""Changing in place what can be changed so, and moving columns to types that are made anew."""

from __future__ import annotations

from ..model import ObjectId, SchemaObject
from . import (
    columns,
    constraints,
    functions,
    grants,
    indexes,
    others,
    renames,
    sequences,
    tables,
    triggers,
    trimmings,
    types,
    views,
)
from .closure import Closure, names_type
from .creates import Creates
from .drops import typed
from .names import BUILD, FINISH, ROUTINES, TABLE_KINDS, TYPES, Step
from .units import Unit, Units


class Alters:
    """The units that change objects which stay."""

    def __init__(self, work: Closure, units: Units, creates: Creates) -> None:
        self.work, self.units, self.creates, self.runs_as = work, units, creates, creates.runs_as
        self.source, self.target = work.source, work.target
        self.version = work.source.server_version

    def add(self) -> None:
        work = self.work
        forced = {
            id: (self.source.objects[id], self.target.objects[id])
            for id in sorted(work.redefault | work.retype)
            if id not in work.drop and id in self.target.objects
        }
        for id, (now, wanted) in sorted({**forced, **work.alter}.items()):
            if id in work.drop:
                continue
            self.units.all["alter", id] = Unit(id, "alter", self._alter_steps(id, now, wanted))
        for id in sorted(work.refresh):
            if id in self.target.objects and id not in work.drop:
                found = others.publication(None, self.target.objects[id]) or []
                unit = self.units.all.setdefault(("alter", id), Unit(id, "alter", []))
                unit.steps = found + [s for s in unit.steps if s not in found]
        for key in [k for k in self.units.all if k[0] == "alter"]:
            id = key[1]
            for other in self.target.objects[id].depends:
                if other in work.create:
                    self.units.before(("create", self.creates.maker(other)), key)
                elif other in work.alter:
                    self.units.before(("alter", other), key)
            if id.kind == "index" and self.target.objects[id].properties.get("partition_of"):
                holder = work.target_holders.get((id.schema, id.parent))
                for action in ("alter", "attach"):
                    if holder:
                        self.units.before((action, holder), key)
            if id.kind == "trigger" and self.target.objects[id].properties.get("inherited"):
                self.creates.after_the_original(id, key)
            if id.kind == "column" and (holder := work.target_holders.get((id.schema, id.parent))):
                self.units.before(("alter", holder), key)  # REVOKE on a table takes the columns' grants too
            for other in work.drop:
                here = self.source.objects[id].properties.get("type") if id.kind == "column" else None
                if other.kind in TYPES and names_type(here, other):
                    self.units.before(key, ("drop", other))
            if id.kind in TABLE_KINDS and any("ATTACH PARTITION" in s.sql for s in self.units.all[key].steps):
                for other in work.create:
                    if self.creates.before_attached(other, id):
                        self.units.before(("create", other), key)

    def _alter_steps(self, id: ObjectId, now: SchemaObject, wanted: SchemaObject) -> list[Step]:
        kind, work = id.kind, self.work
        if kind in TABLE_KINDS:
            return self._with_column_grants(id, tables.alter(now, wanted))
        if kind == "column":
            holder = work.kind_of(id.schema, id.parent)
            if holder in ("view", "materialized_view"):
                return views.alter_column(now, wanted, holder, self.target)
            if typed(work, id) and columns.retyped(now, wanted):
                return columns.attributes(wanted, dict(now.properties), holder, self.target)
            return columns.alter(
                now,
                wanted,
                holder,
                self.source,
                self.target,
                retype=id in work.retype,
                redefault=("redefault", id) in self.units.all,
                runs_as=self.runs_as,
                in_key=self._in_key(id),
            )
        if kind == "constraint":
            return constraints.alter(now, wanted)
        if kind == "domain_constraint":
            return trimmings.changes(id, now.properties, wanted.properties, FINISH)
        if kind == "index":
            return indexes.alter(now, wanted)
        if kind == "statistics":
            return indexes.alter_statistics(now, wanted) or []
        if kind in ("view", "materialized_view"):
            return self._with_column_grants(id, views.alter(now, wanted))
        if kind in ROUTINES:
            return functions.alter(now, wanted)
        if kind in ("trigger", "rule", "policy", "event_trigger"):
            return triggers.alter(now, wanted)
        if kind in TYPES:
            return types.alter(now, wanted)
        if kind == "sequence":
            return sequences.alter(now, wanted)
        return others.alter(now, wanted, self.version) or []

    def _in_key(self, column: ObjectId) -> bool:
        """Whether the column stands in a primary key that is not dropped."""
        table = ObjectId("table", column.schema, "", column.parent)
        return any(
            k.properties.get("type") == "primary key"
            and column.name in (k.properties.get("columns") or ())
            and k.id not in self.work.drop
            for k in self.source.children(table, "constraint")
        )

    def _with_column_grants(self, holder: ObjectId, steps: list[Step]) -> list[Step]:
        """What REVOKE on a table takes from its columns too is given back."""
        revoking = [s for s in steps if s.sql.startswith("REVOKE ")]
        if not revoking:
            return steps
        for column in self.target.children(holder, "column"):
            if column.properties.get("grants") and column.id in self.source.objects:
                given = grants.changes(column.id, [], column.properties["grants"], "")
                steps += [Step(revoking[0].phase, sql) for sql in given]
        return steps

    def rename_identities(self) -> None:
        """The sequence behind an identity column keeps its column; only its name is another."""
        work = self.work
        for id in sorted(work.create):
            obj = self.target.objects[id]
            if id.kind != "sequence" or not obj.properties.get("identity"):
                continue
            column = ObjectId("column", *obj.properties["owned_by"])
            if column in work.create or column in work.drop or column not in self.source.objects:
                continue
            now = sequences.of_identity(self.source.objects[column], self.source)
            if now is None or now.id not in work.drop:
                continue
            steps = [Step(BUILD, sql) for sql in renames.statements(now.id, id)]
            steps += sequences.alter(now, obj)
            self.units.all["alter", id] = Unit(id, "alter", steps)
            work.drop.discard(now.id)
            work.create.discard(id)
