"""Making: each object after what it needs, partitions and their indexes in the order in which they find each other."""

from __future__ import annotations

from ..model import ObjectId, SchemaObject
from . import columns, constraints, functions, indexes, others, sequences, tables, triggers, types, views
from .closure import Closure, qualified_text
from .drops import aside_name, typed
from .names import BUILD, FINISH, INSIDE, ROUTINES, TABLE_KINDS, TYPES, Step, as_list, own
from .units import Unit, Units


class Creates:
    """The units that make objects, attach partitions and name replica identities."""

    def __init__(self, work: Closure, units: Units, runs_as: str) -> None:
        self.work, self.units, self.runs_as = work, units, runs_as
        self.source, self.target = work.source, work.target
        self.version = work.source.server_version
        self.made = {(i.kind, qualified_text(i)): i for i in work.create if not i.parent or i.kind == "index"}

    def add(self) -> None:
        work = self.work
        for id in sorted(work.create):
            if self.maker(id) != id:
                continue
            steps = self._create_steps(id)
            if id in work.aside:
                aside = Step(BUILD, types.set_aside(id, aside_name(id)))
                self.units.all["aside", id] = Unit(id, "aside", [aside])
            self.units.all["create", id] = Unit(id, "create", steps)
        for id in list(work.aside):
            if ("aside", id) not in self.units.all:  # another kind of type takes the name
                self.units.all["aside", id] = Unit(id, "aside", [Step(BUILD, types.set_aside(id, aside_name(id)))])
            for other in work.create:
                if other.kind in TYPES and (other.schema, other.name) == (id.schema, id.name):
                    self.units.before(("aside", id), ("create", other))
            self.units.before(("aside", id), ("drop", id))
        for id in sorted(work.create):
            key = ("create", self.maker(id))
            if key not in self.units.all:
                continue
            for other in self.target.objects[id].depends:
                if other.kind == id.kind and id.kind in ("index", "constraint") and self._follows(id):
                    continue  # a partition's own comes first: see _partitions
                if other in work.create:
                    self.units.before(("create", self.maker(other)), key)
                elif other in work.alter:
                    self.units.before(("alter", other), key)
            if id.kind in INSIDE and key[1] == id:
                holder = work.target_holders.get((id.schema, id.parent))
                if holder in work.create:
                    self.units.before(("create", holder), key)
                for name in as_list(self.target.objects[id].properties.get("columns")):
                    column = ObjectId("column", id.schema, id.parent, str(name).strip('"'))
                    if column in work.create:
                        self.units.before(("create", self.maker(column)), key)
            if id.kind == "domain_constraint":
                self.units.before(("create", ObjectId("domain", id.schema, "", id.parent)), key)
            if id.kind == "index" and self.target.objects[id].properties.get("constraint"):
                constraint = ObjectId(
                    "constraint", id.schema, id.parent, str(self.target.objects[id].properties["constraint"])
                )
                self.units.before(("create", constraint), key)
            if id.schema:
                self.units.before(("create", ObjectId("schema", "", "", id.schema)), key)
            if id.kind == "trigger" and self.target.objects[id].properties.get("inherited"):
                self.after_the_original(id, key)
        self._partitions()
        self._replica_identities()
        self._shells()
        for table in sorted(work.untype - work.drop):
            of_type = self.target.objects[table].properties.get("of_type") if table in self.target.objects else None
            if of_type:
                self.units.add("retype_table", table, [Step(FINISH, f"ALTER TABLE {own(table)} OF {of_type}")])

    def _shells(self) -> None:
        """A base type is announced before the functions that read and write it."""
        for id in sorted(self.work.create):
            needs = self.target.objects[id].depends
            if id.kind == "base_type" and any(
                id in self.target.objects[o].depends for o in needs if o in self.work.create
            ):
                self.units.add("shell", id, [Step(BUILD, f"CREATE TYPE {own(id)}")])
                for other in needs:
                    if other in self.work.create and id in self.target.objects[other].depends:
                        self.units.all["create", other].needs.discard(("create", id))
                        self.units.before(("shell", id), ("create", other))
                        self.units.before(("create", other), ("create", id))

    def maker(self, id: ObjectId) -> ObjectId:
        """The object whose making brings this one along (itself when it has statements of its own)."""
        work = self.work
        if id.kind in INSIDE:
            holder = work.target_holders.get((id.schema, id.parent))
            if holder in work.create and id.kind == "column":
                return holder
        if id.kind == "sequence" and self.target.objects[id].properties.get("identity"):
            column = ObjectId("column", *self.target.objects[id].properties["owned_by"])
            return self.maker(column) if column in work.create else column
        return id

    def _follows(self, id: ObjectId) -> bool:
        p = self.target.objects[id].properties
        return bool(p.get("inherited") or p.get("partition_of")) and p.get("type") != "foreign key"

    def _partitions(self) -> None:
        """A partition is attached to a table that is made too at once, else when its own indexes are there; indexes
        and keys of partitions come before those of the partitioned table, which finds and takes them."""
        for id in self.work.create:
            p = self.target.objects[id].properties
            parent = p.get("partition_of")
            if not parent:
                continue
            if id.kind in TABLE_KINDS:
                holder = self.made.get(("table", str(parent)))
                unit = self.units.all["create", id]
                if holder:
                    unit.steps = [Step(BUILD, s.sql) if " ATTACH PARTITION " in s.sql else s for s in unit.steps]
                    self.units.before(("create", holder), ("create", id))
                    continue
                attach = [s for s in unit.steps if " ATTACH PARTITION " in s.sql]
                unit.steps = [s for s in unit.steps if s not in attach]
                self.units.all["attach", id] = Unit(id, "attach", attach)
                self.units.before(("create", id), ("attach", id))
                for other in self.work.create:
                    if self.before_attached(other, id):
                        self.units.before(("create", other), ("attach", id))
            elif id.kind == "index":
                holder = self.made.get(("index", str(parent)))
                mine = ObjectId("constraint", id.schema, id.parent, str(p.get("constraint")))
                follows = mine in self.target.objects and constraints.comes_with_parent(self.target.objects[mine])
                if follows and (table := self.work.target_holders.get((id.schema, id.parent))):
                    for action in ("create", "attach", "alter"):
                        self.units.before((action, table), ("create", mine))
                if holder:
                    constraint = self.target.objects[holder].properties.get("constraint")
                    if constraint and follows:
                        key = ObjectId("constraint", holder.schema, holder.parent, str(constraint))
                        self.units.before(("create", key), ("create", mine))
                    elif constraint:
                        key = ObjectId("constraint", holder.schema, holder.parent, str(constraint))
                        self.units.before(("create", id), ("create", key))
                        self.units.before(("create", mine), ("create", key))
                    else:
                        self.units.before(("create", holder), ("create", id))

    def before_attached(self, id: ObjectId, table: ObjectId) -> bool:
        """Whether an index or key of the table is made before the table is attached as a partition."""
        if id.kind not in ("index", "constraint") or (id.schema, id.parent) != (table.schema, table.name):
            return False
        obj = self.target.objects[id]
        if id.kind == "index" and (name := obj.properties.get("constraint")):
            obj = self.target.objects.get(ObjectId("constraint", id.schema, id.parent, str(name)), obj)
        return not (obj.id.kind == "constraint" and constraints.comes_with_parent(obj))

    def _create_steps(self, id: ObjectId) -> list[Step]:
        obj, p = self.target.objects[id], self.target.objects[id].properties
        kind = id.kind
        if kind in TABLE_KINDS:
            return tables.create(obj, self.runs_as, self.target)
        if kind == "column":
            if (p.get("inherited") and not p.get("also_local")) or typed(self.work, id):
                return []
            return columns.create(obj, self.work.kind_of(id.schema, id.parent), self.target, self.runs_as)
        if kind == "constraint":
            return self._constraint_steps(obj)
        if kind == "domain_constraint":
            return constraints.create_on_domain(obj)
        if kind == "index":
            holder = self.work.target_holders.get((id.schema, id.parent))
            attach = bool(p.get("partition_of")) and holder not in self.work.create and not p.get("constraint")
            attach = attach or (holder in self.work.create and self._parent_created(obj) and not p.get("constraint"))
            return indexes.create(obj, attach=attach)
        if kind == "statistics":
            return indexes.create_statistics(obj, self.runs_as, self.version)
        if kind in ("view", "materialized_view"):
            return views.create(obj, self.runs_as, self.target)
        if kind in ROUTINES:
            return functions.create(obj, self.runs_as, self.version)
        if kind in ("trigger", "rule", "policy", "event_trigger"):
            return (
                self._inherited_trigger(obj) if p.get("inherited") else triggers.create(obj, self.runs_as, self.version)
            )
        if kind in TYPES:
            return types.create(obj, self.runs_as, self.target)
        if kind == "sequence":
            return sequences.create(obj, self.runs_as, self.target)
        return others.create(obj, self.runs_as, self.version)

    def after_the_original(self, id: ObjectId, key: tuple[str, ObjectId]) -> None:
        """A partition's trigger is switched after the table is attached and after every trigger of that name above."""
        for other in self.target.of("trigger"):
            if other.id.name == id.name and not other.properties.get("inherited"):
                for action in ("create", "alter"):
                    self.units.before((action, other.id), key)
        if holder := self.work.target_holders.get((id.schema, id.parent)):
            for action in ("attach", "alter"):
                self.units.before((action, holder), key)

    def _inherited_trigger(self, trigger: SchemaObject) -> list[Step]:
        """A partition's copy of a trigger comes with the original; it is switched where it stands otherwise."""
        id = trigger.id
        holder = self.work.target_holders.get((id.schema, id.parent))
        parent = self.target.objects[holder].properties.get("partition_of") if holder else None
        above = next((h for h in self.work.target_holders.values() if qualified_text(h) == str(parent)), None)
        original = self.target.objects.get(ObjectId("trigger", above.schema, above.name, id.name)) if above else None
        state = str(trigger.properties.get("enabled", "origin"))
        if original is None or original.properties.get("enabled", "origin") == state:
            return []
        return [Step(FINISH, triggers.switch(id, state))]

    def _parent_created(self, index: SchemaObject) -> bool:
        parent = index.properties.get("partition_of")
        return ("index", str(parent)) in self.made

    def _constraint_steps(self, obj: SchemaObject) -> list[Step]:
        p = obj.properties
        if constraints.comes_with_parent(obj):
            return constraints.named_as_wanted(obj)
        if p.get("inherited") and not p.get("also_local"):
            holder = self.work.target_holders.get((obj.id.schema, obj.id.parent))
            fresh = holder in self.work.create
            if p.get("type") == "foreign key":
                return []  # comes with the partitioned table's own, or when the partition is attached
            if p.get("type") == "check" and not (fresh and self._attached_late(holder)):
                return []
            table = self.target.objects.get(holder) if holder else None
            if p.get("type") == "check" and table is not None and not table.properties.get("partition_of"):
                return []  # inherited at CREATE TABLE ... INHERITS
        return constraints.create(obj, self.target)

    def _attached_late(self, table: ObjectId | None) -> bool:
        if table is None:
            return False
        parent = self.target.objects[table].properties.get("partition_of")
        return bool(parent) and ("table", str(parent)) not in self.made

    def _replica_identities(self) -> None:
        for table in self.target.of("table"):
            wanted = table.properties.get("replica_identity", "default")
            now = self.source.objects.get(table.id)
            fresh = now is None or table.id in self.work.drop
            had = "default" if fresh else now.properties.get("replica_identity", "default")  # type: ignore[union-attr]
            marked = {i.id for i in self.target.children(table.id, "index") if i.properties.get("replica_identity")}
            moved = wanted == "index" and (
                bool(marked & self.work.create)
                or any(
                    i in self.work.alter and "replica_identity" not in self.source.objects[i].properties for i in marked
                )
            )
            if wanted != had or moved:
                unit = Unit(table.id, "identify", [Step(FINISH, tables.replica_identity(table, self.target))])
                self.units.all["identify", table.id] = unit
                for index in marked:
                    self.units.before(("create", index), ("identify", table.id))
                self.units.before(("create", table.id), ("identify", table.id))
