"""The renames that a script spells out: ALTER ... RENAME TO, RENAME COLUMN, RENAME CONSTRAINT, SET SCHEMA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..sql import grammar
from .model import ObjectId, Snapshot
from .renaming import Renaming

if TYPE_CHECKING:
    from ..sql.parse import Script

_RELATIONS = ("table", "foreign_table", "view", "materialized_view", "sequence", "index")
_TYPES = ("enum", "domain", "composite", "range", "base_type")
_KINDS = {
    "OBJECT_TABLE": _RELATIONS,
    "OBJECT_FOREIGN_TABLE": _RELATIONS,
    "OBJECT_VIEW": _RELATIONS,
    "OBJECT_MATVIEW": _RELATIONS,
    "OBJECT_SEQUENCE": _RELATIONS,
    "OBJECT_INDEX": _RELATIONS,
    "OBJECT_TYPE": (*_TYPES, "table"),
    "OBJECT_DOMAIN": ("domain",),
    "OBJECT_FUNCTION": ("function",),
    "OBJECT_PROCEDURE": ("procedure",),
    "OBJECT_AGGREGATE": ("aggregate",),
    "OBJECT_ROUTINE": ("function", "procedure", "aggregate"),
    "OBJECT_COLLATION": ("collation",),
    "OBJECT_CONVERSION": ("conversion",),
    "OBJECT_STATISTIC_EXT": ("statistics",),
    "OBJECT_TSCONFIGURATION": ("text_search_configuration",),
    "OBJECT_TSDICTIONARY": ("text_search_dictionary",),
    "OBJECT_TSPARSER": ("text_search_parser",),
    "OBJECT_TSTEMPLATE": ("text_search_template",),
    "OBJECT_SCHEMA": ("schema",),
    "OBJECT_PUBLICATION": ("publication",),
    "OBJECT_SUBSCRIPTION": ("subscription",),
    "OBJECT_EVENT_TRIGGER": ("event_trigger",),
    "OBJECT_LANGUAGE": ("language",),
    "OBJECT_FDW": ("foreign_data_wrapper",),
    "OBJECT_FOREIGN_SERVER": ("server",),
}
_PARTS = {"OBJECT_TRIGGER": "trigger", "OBJECT_POLICY": "policy", "OBJECT_RULE": "rule"}
_INDEXED = ("primary key", "unique", "exclude")

# Names of types in the grammar's own form that the server prints in another (gram.y, format_type.c).
_PRINTED_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}


def renames_of(script: Script, before: Snapshot) -> dict[ObjectId, ObjectId]:
    """Identity before -> identity after the script, for what its statements rename or move; chains are composed.

    Never guessed: only what is spelled out counts, nothing inside DO blocks or functions, and an object that the
    script itself creates has no identity before. A name without a schema is looked for in the script's search_path,
    then in public, then in the one schema that has it.
    """
    walk = _Walk(before)
    for parsed in script.statements:
        walk.take(parsed.node_name, parsed.node)
    return _spelled_out(before, {old: new for old, new in walk.now.items() if old != new})


def _spelled_out(before: Snapshot, found: dict[ObjectId, ObjectId]) -> dict[ObjectId, ObjectId]:
    """Without what only follows something else: the parts of a renamed table, everything in a renamed schema."""
    kept: dict[ObjectId, ObjectId] = {old: new for old, new in found.items() if old.kind == "schema"}
    for of_a_whole in (False, True):
        follows = Renaming(before, dict(kept))
        for old, new in found.items():
            if old.kind != "schema" and bool(old.parent) == of_a_whole and follows.id(old) != new:
                kept[old] = new
    return kept


class _Walk:
    """The objects of `before` under the names they have at a moment of the script."""

    def __init__(self, before: Snapshot) -> None:
        self.before = before
        self.now: dict[ObjectId, ObjectId] = {id: id for id in before.objects}
        self.was: dict[ObjectId, ObjectId] = {id: id for id in before.objects}
        self.path: tuple[str, ...] = ("public",)

    def take(self, node_name: str, node: Any) -> None:
        if node_name == "rename_stmt":
            self._renamed(node)
        elif node_name == "alter_object_schema_stmt":
            self._moved(node)
        elif node_name == "drop_stmt":
            self._dropped(node)
        elif node_name == "variable_set_stmt" and node.name == "search_path":
            words = [a.a_const.sval.sval for a in node.args if a.WhichOneof("node") == "a_const"]
            self.path = tuple(w for w in words if w and w != "$user") or ("public",)

    def _renamed(self, node: Any) -> None:
        what = grammar.enum_name(node, "rename_type")
        if what in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
            relation = self._relation(node.relation)
            if relation is not None:
                self._rename_inside(relation, what, node.subname, node.newname)
        elif what in _PARTS:
            relation = self._relation(node.relation)
            if relation is not None:
                self._set(ObjectId(_PARTS[what], relation.schema, relation.name, node.subname), name=node.newname)
        elif what == "OBJECT_DOMCONSTRAINT":
            domain = self._find(("domain",), *_name_of(node.object))
            if domain is not None:
                self._set(ObjectId("domain_constraint", domain.schema, domain.name, node.subname), name=node.newname)
        elif what == "OBJECT_SCHEMA":
            self._set(ObjectId("schema", "", "", node.subname), name=node.newname)
            for id in [i for i in self.was if i.schema == node.subname]:
                self._set(id, schema=node.newname)
        else:
            found = self._object(what, node)
            if found is not None:
                self._rename(found, node.newname)

    def _rename(self, id: ObjectId, name: str) -> None:
        """A whole object: what hangs on it follows; an index takes its constraint along."""
        if id.kind in ("function", "procedure", "aggregate"):
            name = f"{name}({id.name.partition('(')[2]}"
        self._set(id, name=name)
        if id.kind == "index":
            constraint = ObjectId("constraint", id.schema, id.parent, id.name)
            if constraint in self.was and self._properties(constraint).get("type") in _INDEXED:
                self._set(constraint, name=name)
        elif not id.parent:
            for part in [i for i in self.was if i.parent == id.name and i.schema == id.schema]:
                self._set(part, parent=name)

    def _rename_inside(self, relation: ObjectId, what: str, old: str, new: str) -> None:
        """A column or constraint, in the tables that inherit it too."""
        kind = "column" if what == "OBJECT_COLUMN" else "constraint"
        id = ObjectId(kind, relation.schema, relation.name, old)
        if id not in self.was:
            return
        heirs = list(self._heirs(relation)) if kind == "column" or self._properties(id)["type"] == "check" else []
        for table in (relation, *heirs):
            part = ObjectId(kind, table.schema, table.name, old)
            index = ObjectId("index", table.schema, table.name, old)
            if part not in self.was:
                continue
            if kind == "constraint" and index in self.was and self._properties(part)["type"] in _INDEXED:
                self._set(index, name=new)
            self._set(part, name=new)

    def _moved(self, node: Any) -> None:
        """SET SCHEMA: a table takes what hangs on it and the sequences of its columns along."""
        found = self._object(grammar.enum_name(node, "object_type"), node)
        if found is None:
            return
        for part in [i for i in self.was if i.parent == found.name and i.schema == found.schema]:
            if part.kind == "column":
                for sequence in [i for i in self.was if i.kind == "sequence" and self._owner(i) == part]:
                    self._set(sequence, schema=node.newschema)
        for part in [i for i in self.was if i.parent == found.name and i.schema == found.schema]:
            self._set(part, schema=node.newschema)
        self._set(found, schema=node.newschema)

    def _dropped(self, node: Any) -> None:
        """What is gone leaves its name to others."""
        kinds = _KINDS.get(grammar.enum_name(node, "remove_type"), ())
        for item in node.objects:
            found = self._find(kinds, *_name_of(item))
            if found is not None and found.kind not in ("function", "procedure", "aggregate"):
                for id in [i for i in self.was if i == found or (i.parent, i.schema) == (found.name, found.schema)]:
                    self.now.pop(self.was.pop(id), None)

    def _set(self, id: ObjectId, **to: str) -> None:
        """Give the object that is now called `id` other words in its name."""
        if id not in self.was:
            return
        new = id._replace(**to)
        was = self.was.pop(id)
        self.was[new] = was
        self.now[was] = new

    def _object(self, what: str, node: Any) -> ObjectId | None:
        kinds = _KINDS.get(what, ())
        if node.HasField("relation"):
            return self._relation(node.relation)
        node_kind = node.object.WhichOneof("node")
        if node_kind == "object_with_args":
            return self._routine(kinds, node.object.object_with_args)
        return self._find(kinds, *_name_of(node.object))

    def _relation(self, range_var: Any) -> ObjectId | None:
        return self._find(_RELATIONS, range_var.schemaname, range_var.relname)

    def _find(self, kinds: tuple[str, ...], schema: str, name: str) -> ObjectId | None:
        """The object of one of the kinds with this name, an index whatever its table; None when there is none."""
        found = [i for i in self.was if i.name == name and i.kind in kinds and (not i.parent or i.kind == "index")]
        return self._in_path(found, schema)

    def _in_path(self, found: list[ObjectId], schema: str) -> ObjectId | None:
        if schema:
            return next((i for i in found if i.schema == schema), None)
        for place in (*self.path, "public"):
            for id in found:
                if id.schema in (place, ""):
                    return id
        return found[0] if len(found) == 1 else None

    def _routine(self, kinds: tuple[str, ...], node: Any) -> ObjectId | None:
        words = [n.string.sval for n in node.objname]
        schema, name = (words[-2] if len(words) > 1 else ""), words[-1]
        found = [i for i in self.was if i.kind in kinds and i.name.partition("(")[0] == name]
        if not node.args_unspecified and len({i.name for i in found}) > 1:
            wanted = ", ".join(_type_text(a.type_name) for a in node.objargs)
            found = [i for i in found if _bare_types(i.name) == wanted]
        return self._in_path(found, schema)

    def _properties(self, id: ObjectId) -> dict[str, Any]:
        return dict(self.before.objects[self.was[id]].properties)

    def _owner(self, sequence: ObjectId) -> ObjectId | None:
        """The column that owns the sequence, under its name of now."""
        owned = self._properties(sequence).get("owned_by")
        return self.now.get(ObjectId("column", *owned)) if owned else None

    def _heirs(self, table: ObjectId) -> Iterator[ObjectId]:
        """The tables below a table, under their names of now."""
        from ..sql.quote import qualified

        was = self.was[table]
        above = [qualified(was.schema, was.name)]
        tables = [(i, o.properties) for i, o in self.before.objects.items() if i.kind in ("table", "foreign_table")]
        while above:
            parent = above.pop()
            for id, properties in tables:
                if (
                    properties.get("partition_of") == parent or parent in properties.get("inherits", ())
                ) and id in self.now:
                    above.append(qualified(id.schema, id.name))
                    yield self.now[id]


def _name_of(node: Any) -> tuple[str, str]:
    """Schema ("" when not written) and name of an object as the grammar gives it."""
    kind = node.WhichOneof("node")
    if kind == "string":
        return "", node.string.sval
    if kind == "type_name":
        words = [n.string.sval for n in node.type_name.names]
    elif kind == "list":
        words = [i.string.sval for i in node.list.items if i.WhichOneof("node") == "string"]
    else:
        return "", ""
    return (words[-2] if len(words) > 1 else ""), (words[-1] if words else "")


def _type_text(type_name: Any) -> str:
    """A type as the server prints it in a routine's argument list, its schema aside."""
    name = type_name.names[-1].string.sval
    return str(_PRINTED_TYPES.get(name, name)) + "[]" * len(type_name.array_bounds)


def _bare_types(routine: str) -> str:
    """The argument types in a routine's name without their schemas."""
    inside = routine.partition("(")[2].removesuffix(")")
    return ", ".join(t.rpartition(".")[2].strip('"') for t in inside.split(", ")) if inside else ""
