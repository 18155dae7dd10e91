"""The statements that turn one schema into another, complete and in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..model import ObjectId, SchemaObject, Snapshot
from . import (
    columns,
    constraints,
    functions,
    grants,
    indexes,
    others,
    sequences,
    tables,
    triggers,
    trimmings,
    types,
    views,
)
from . import renames as renaming
from .closure import Closure, names_type, qualified_text
from .names import BUILD, DROP, FINISH, INSIDE, ROUTINES, TABLE_KINDS, TYPES, Step, as_list
from .order import ordered

# In which order things are made when nothing else decides; dropping goes the other way round.
RANKS = (
    "schema",
    "extension",
    "language",
    "foreign_data_wrapper",
    "server",
    "user_mapping",
    "access_method",
    "collation",
    "enum",
    "domain",
    "range",
    "base_type",
    "composite",
    "sequence",
    "function",
    "procedure",
    "aggregate",
    "operator",
    "operator_family",
    "operator_class",
    "cast",
    "transform",
    "conversion",
    "text_search_parser",
    "text_search_template",
    "text_search_dictionary",
    "text_search_configuration",
    "table",
    "foreign_table",
    "column",
    "domain_constraint",
    "constraint",
    "index",
    "statistics",
    "view",
    "materialized_view",
    "rule",
    "trigger",
    "policy",
    "event_trigger",
    "publication",
    "subscription",
    "default_privileges",
)
_RANK = {kind: number for number, kind in enumerate(RANKS)}
_LATE = ("constraint", "index", "statistics", "view", "materialized_view", "rule", "trigger", "policy", "publication")


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps, and what the data part has to know: tables and columns that are made anew, columns converted."""

    steps: tuple[Step, ...]
    remade_tables: tuple[ObjectId, ...] = ()
    remade_columns: tuple[ObjectId, ...] = ()
    remade_sequences: tuple[ObjectId, ...] = ()
    triggers_kept: tuple[SchemaObject, ...] = ()
    unsupported: tuple[ObjectId, ...] = ()

    def statements(self, *phases: int) -> list[str]:
        """The SQL of the steps, of some phases only when they are named."""
        return [s.sql for s in self.steps if not phases or s.phase in phases]


@dataclass(slots=True)
class _Unit:
    id: ObjectId
    action: str
    steps: list[Step]
    needs: set[tuple[str, ObjectId]] = field(default_factory=set)


def ddl_for(changes: Iterable[Any], before: Snapshot, after: Snapshot, *, runs_as: str = "") -> list[str]:
    """Statements, without semicolons, that turn the schema `after` back into `before`, in an order that works.

    changes: as `diff.diff(before, after)` gives them; renames among them are undone first, by name. Column order is
    not restored. runs_as: the role that will run them; objects made anew for it get no ALTER ... OWNER TO.
    """
    pairs = {c.after.id: c.before.id for c in changes if c.kind == "renamed" and c.after and c.before}
    first = [sql for a, b in sorted(pairs.items()) for sql in renaming.statements(a, b)]
    return first + plan(renaming.renamed(after, pairs), before, runs_as=runs_as).statements()


def plan(source: Snapshot, target: Snapshot, *, runs_as: str = "", labels_may_be_added: bool = True) -> Plan:
    """The plan from the schema `source` to the schema `target`.

    labels_may_be_added: False when rows with an enum's label are written in the same transaction.
    """
    work = Closure(source, target, labels_may_be_added=labels_may_be_added)
    return _Planner(work, runs_as).plan()


class _Planner:
    def __init__(self, work: Closure, runs_as: str) -> None:
        self.work, self.runs_as = work, runs_as
        self.source, self.target = work.source, work.target
        self.version = work.source.server_version
        self.units: dict[tuple[str, ObjectId], _Unit] = {}

    def plan(self) -> Plan:
        self._identity_renames()
        self._drops()
        self._creates()
        self._alters()
        steps = self._flattened()
        work = self.work
        kept = tuple(
            o
            for o in self.source.of("trigger")
            if o.id not in work.drop and not o.properties.get("inherited") and o.id in self.target.objects
        )
        return Plan(
            steps=tuple(steps),
            remade_tables=tuple(sorted(i for i in work.drop & work.create if i.kind in TABLE_KINDS)),
            remade_columns=tuple(sorted(i for i in work.drop & work.create if i.kind == "column")),
            remade_sequences=tuple(sorted(i for i in work.drop & work.create if i.kind == "sequence")),
            triggers_kept=kept,
            unsupported=tuple(sorted(i for i in work.create if i.kind == "subscription")),
        )

    # -- drops

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
                for other in work.drop:
                    if other.kind == "index" and other != id and qualified_text(other) == parent:
                        return self._carrier(other) or other
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
            for other in work.drop:
                if other.kind == "table" and qualified_text(other) == parent:
                    return self._carrier(other) or other
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
        for other in self.work.drop:
            if other.kind == id.kind and other.name == id.name and _table_text(other) in parents:
                return other
        return ObjectId(id.kind, "", "", "")

    def _drops(self) -> None:
        work = self.work
        carriers = {id: self._carrier(id) for id in work.drop}
        unit_of = {id: carriers[id] or id for id in work.drop}
        for id in sorted(work.drop):
            if carriers[id] is None:
                self.units["drop", id] = _Unit(id, "drop", self._drop_steps(id))
        # Foreign keys that go with their table and point at another table that goes: that one goes later. Two tables
        # that point at each other: the keys go first, by statements of their own.
        for id in sorted(work.drop):
            obj = self.source.objects[id]
            unit = unit_of[id]
            for other in obj.depends:
                if other in work.drop and unit_of[other] != unit:
                    self._before(("drop", unit), ("drop", unit_of[other]))
            if id.schema:
                schema = ObjectId("schema", "", "", id.schema)
                if schema in work.drop:
                    self._before(("drop", unit), ("drop", schema))
        self._untie(unit_of)
        for column in sorted(work.redefault):
            if column in work.drop or column not in self.source.objects:
                continue
            kind = work.kind_of(column.schema, column.parent)
            unit = _Unit(column, "redefault", [Step(DROP, columns.without_default(column, kind))])
            if self.source.objects[column].properties.get("inherited") and column in work.retype:
                unit.steps = []
            self.units["redefault", column] = unit
            for other in self.source.objects[column].depends:
                if other in work.drop:
                    self._before(("redefault", column), ("drop", unit_of[other]))

        for column, (now, wanted) in sorted(work.alter.items()):
            if column.kind == "column" and now.properties.get("identity") and not wanted.properties.get("identity"):
                step = Step(DROP, columns.without_identity(column))
                self.units["unidentify", column] = _Unit(column, "unidentify", [step])

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
        for (_, first), second in [(k, u.needs) for k, u in self.units.items()]:
            after.setdefault(first, set()).update(n for _, n in second)
        for id, table, other in keys:
            if _reaches(after, table, other) and _reaches(after, other, table):
                self.units["drop", id] = _Unit(id, "drop", [Step(DROP, constraints.drop(id, self.source))])
                self.units["drop", other].needs.discard(("drop", table))
                self._before(("drop", id), ("drop", table))
                self._before(("drop", id), ("drop", other))

    def _drop_steps(self, id: ObjectId) -> list[Step]:
        obj = self.source.objects[id]
        if id.kind == "sequence" and obj.properties.get("identity"):
            return []
        if id.kind in TYPES:
            if id in self.work.aside:
                return [Step(BUILD, types.drop(id._replace(name=_aside_name(id))))]
            return [Step(BUILD, types.drop(id))]
        if id.kind in TABLE_KINDS:
            return [Step(DROP, tables.drop(id))]
        if id.kind == "column":
            if obj.properties.get("inherited") and not obj.properties.get("also_local"):
                return []
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

    # -- creates

    def _maker(self, id: ObjectId) -> ObjectId:
        """The object whose making brings this one along (itself when it has statements of its own)."""
        work = self.work
        if id.kind in INSIDE:
            holder = work.target_holders.get((id.schema, id.parent))
            if holder in work.create and id.kind == "column":
                return holder
        if id.kind == "sequence" and self.target.objects[id].properties.get("identity"):
            column = ObjectId("column", *self.target.objects[id].properties["owned_by"])
            return self._maker(column) if column in work.create else column
        return id

    def _creates(self) -> None:
        work = self.work
        for id in sorted(work.create):
            if self._maker(id) != id:
                continue
            steps = self._create_steps(id)
            if id in work.aside:
                aside = Step(BUILD, types.set_aside(id, _aside_name(id)))
                self.units["aside", id] = _Unit(id, "aside", [aside])
            self.units["create", id] = _Unit(id, "create", steps)
        for id in list(work.aside):
            if ("aside", id) not in self.units:  # another kind of type takes the name
                self.units["aside", id] = _Unit(id, "aside", [Step(BUILD, types.set_aside(id, _aside_name(id)))])
            for other in work.create:
                if other.kind in TYPES and (other.schema, other.name) == (id.schema, id.name):
                    self._before(("aside", id), ("create", other))
            self._before(("aside", id), ("drop", id))
        for id in sorted(work.create):
            key = ("create", self._maker(id))
            if key not in self.units:
                continue
            for other in self.target.objects[id].depends:
                if other.kind == id.kind and id.kind in ("index", "constraint") and self._follows(id):
                    continue  # a partition's own comes first: see _partitions
                if other in work.create:
                    self._before(("create", self._maker(other)), key)
                elif other in work.alter:
                    self._before(("alter", other), key)
            if id.kind in INSIDE and key[1] == id:
                holder = work.target_holders.get((id.schema, id.parent))
                if holder in work.create:
                    self._before(("create", holder), key)
                for name in as_list(self.target.objects[id].properties.get("columns")):
                    column = ObjectId("column", id.schema, id.parent, str(name).strip('"'))
                    if column in work.create:
                        self._before(("create", self._maker(column)), key)
            if id.kind == "domain_constraint":
                self._before(("create", ObjectId("domain", id.schema, "", id.parent)), key)
            if id.kind == "index" and self.target.objects[id].properties.get("constraint"):
                constraint = ObjectId(
                    "constraint", id.schema, id.parent, str(self.target.objects[id].properties["constraint"])
                )
                self._before(("create", constraint), key)
            if id.schema:
                self._before(("create", ObjectId("schema", "", "", id.schema)), key)
        self._partitions()
        self._replica_identities()

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
                holder = next((o for o in self.work.create if o.kind == "table" and qualified_text(o) == parent), None)
                unit = self.units["create", id]
                if holder:
                    unit.steps = [Step(BUILD, s.sql) if " ATTACH PARTITION " in s.sql else s for s in unit.steps]
                    self._before(("create", holder), ("create", id))
                    continue
                attach = [s for s in unit.steps if " ATTACH PARTITION " in s.sql]
                unit.steps = [s for s in unit.steps if s not in attach]
                self.units["attach", id] = _Unit(id, "attach", attach)
                self._before(("create", id), ("attach", id))
                for other in self.work.create:
                    if other.kind in ("index", "constraint") and (other.schema, other.parent) == (id.schema, id.name):
                        self._before(("create", other), ("attach", id))
            elif id.kind == "index":
                holder = next((o for o in self.work.create if o.kind == "index" and qualified_text(o) == parent), None)
                if holder:
                    made = self.target.objects[holder].properties.get("constraint")
                    if made:
                        key = ObjectId("constraint", holder.schema, holder.parent, str(made))
                        self._before(("create", id), ("create", key))
                        mine = ObjectId("constraint", id.schema, id.parent, str(p.get("constraint")))
                        self._before(("create", mine), ("create", key))
                    else:
                        self._before(("create", holder), ("create", id))

    def _create_steps(self, id: ObjectId) -> list[Step]:
        obj, p = self.target.objects[id], self.target.objects[id].properties
        kind = id.kind
        if kind in TABLE_KINDS:
            return tables.create(obj, self.runs_as, self.target)
        if kind == "column":
            if p.get("inherited") and not p.get("also_local"):
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
            return [] if p.get("inherited") else triggers.create(obj, self.runs_as, self.version)
        if kind in TYPES:
            return types.create(obj, self.runs_as, self.target)
        if kind == "sequence":
            return sequences.create(obj, self.runs_as, self.target)
        return others.create(obj, self.runs_as, self.version)

    def _parent_created(self, index: SchemaObject) -> bool:
        parent = index.properties.get("partition_of")
        return any(o.kind == "index" and qualified_text(o) == parent for o in self.work.create)

    def _constraint_steps(self, obj: SchemaObject) -> list[Step]:
        p = obj.properties
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
        return bool(parent) and not any(o.kind == "table" and qualified_text(o) == parent for o in self.work.create)

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
                unit = _Unit(table.id, "identify", [Step(FINISH, tables.replica_identity(table, self.target))])
                self.units["identify", table.id] = unit
                for index in marked:
                    self._before(("create", index), ("identify", table.id))
                self._before(("create", table.id), ("identify", table.id))

    # -- alters

    def _alters(self) -> None:
        work = self.work
        forced = {
            id: (self.source.objects[id], self.target.objects[id])
            for id in sorted(work.redefault | work.retype)
            if id not in work.drop and id in self.target.objects
        }
        for id, (now, wanted) in sorted({**forced, **work.alter}.items()):
            if id in work.drop:
                continue
            self.units["alter", id] = _Unit(id, "alter", self._alter_steps(id, now, wanted))
        for id in sorted(work.refresh):
            if id in self.target.objects and id not in work.drop:
                found = others.publication(None, self.target.objects[id]) or []
                unit = self.units.setdefault(("alter", id), _Unit(id, "alter", []))
                unit.steps = found + [s for s in unit.steps if s not in found]
        for key in [k for k in self.units if k[0] == "alter"]:
            id = key[1]
            for other in self.target.objects[id].depends:
                if other in work.create:
                    self._before(("create", self._maker(other)), key)
                elif other in work.alter:
                    self._before(("alter", other), key)
            if id.kind == "column" and (holder := work.target_holders.get((id.schema, id.parent))):
                self._before(("alter", holder), key)  # REVOKE on a table takes the columns' grants too
            for other in work.drop:
                here = self.source.objects[id].properties.get("type") if id.kind == "column" else None
                if other.kind in TYPES and names_type(here, other):
                    self._before(key, ("drop", other))
            if id.kind in TABLE_KINDS and any("ATTACH PARTITION" in s.sql for s in self.units[key].steps):
                for other in work.create:
                    if other.kind in ("index", "constraint") and (other.schema, other.parent) == (id.schema, id.name):
                        self._before(("create", other), key)

    def _alter_steps(self, id: ObjectId, now: SchemaObject, wanted: SchemaObject) -> list[Step]:
        kind, work = id.kind, self.work
        if kind in TABLE_KINDS:
            return self._with_column_grants(id, tables.alter(now, wanted))
        if kind == "column":
            holder = work.kind_of(id.schema, id.parent)
            if holder in ("view", "materialized_view"):
                return views.alter_column(now, wanted, holder, self.target)
            return columns.alter(
                now,
                wanted,
                holder,
                self.source,
                self.target,
                retype=id in work.retype,
                redefault=("redefault", id) in self.units,
                runs_as=self.runs_as,
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
            return [] if wanted.properties.get("inherited") else triggers.alter(now, wanted)
        if kind in TYPES:
            return types.alter(now, wanted)
        if kind == "sequence":
            return sequences.alter(now, wanted)
        return others.alter(now, wanted, self.version) or []

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

    def _identity_renames(self) -> None:
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
            steps = [Step(BUILD, sql) for sql in renaming.statements(now.id, id)]
            steps += sequences.alter(now, obj)
            self.units["alter", id] = _Unit(id, "alter", steps)
            work.drop.discard(now.id)
            work.create.discard(id)

    # -- order

    def _before(self, first: tuple[str, ObjectId], second: tuple[str, ObjectId]) -> None:
        if first != second and second in self.units:
            self.units[second].needs.add(first)
        elif first != second and first in self.units and second not in self.units:
            pass

    def _flattened(self) -> list[Step]:
        keys = list(self.units)
        edges = [(first, key) for key, unit in self.units.items() for first in unit.needs]
        actions = {
            "drop": 0,
            "redefault": 0,
            "unidentify": 0,
            "aside": 1,
            "create": 1,
            "alter": 1,
            "attach": 2,
            "identify": 2,
        }
        rank = {}
        for key in keys:
            place = _RANK.get(key[1].kind, len(RANKS))
            rank[key] = (actions[key[0]], -place if actions[key[0]] == 0 else place)
        done = ordered(keys, edges, rank)
        floor: dict[tuple[str, ObjectId], int] = {}
        for key in done:  # nothing before what it needs, whatever its own phase
            unit = self.units[key]
            lowest = max((floor.get(n, DROP) for n in unit.needs), default=DROP)
            unit.steps = [Step(max(s.phase, lowest), s.sql) for s in unit.steps]
            main = next((s.phase for s in unit.steps), DROP)
            floor[key] = max(lowest, main)
        return [s for phase in (DROP, BUILD, FINISH) for key in done for s in self.units[key].steps if s.phase == phase]


def _aside_name(id: ObjectId) -> str:
    return f"{id.name[:50]}__old"


def _table_text(id: ObjectId) -> str:
    return qualified_text(ObjectId("table", id.schema, "", id.parent))


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
