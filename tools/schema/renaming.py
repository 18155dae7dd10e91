"""The old snapshot read with new names: identities of everything that a rename takes along, and texts that name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sql.quote import ident
from .canonical import tokens_of
from .model import ObjectId, Snapshot

# Kinds whose name stands in text without a schema, inside their own definition only.
_INSIDE = frozenset({"column", "constraint", "domain_constraint", "index", "trigger", "policy", "rule"})
_ROUTINES = frozenset({"function", "procedure", "aggregate"})
# Lists of columns of the object's own table, and of the table that it refers to.
_OWN_COLUMNS = frozenset({"columns", "include"})
_VIEWS = frozenset({"view", "materialized_view"})

Name = tuple[str, str]


class Renaming:
    """What `renames` (identity before -> after) mean for the other objects of `before`."""

    def __init__(self, before: Snapshot, renames: Mapping[ObjectId, ObjectId]) -> None:
        self._given = renames
        self._before = before
        self._schemas = {old.name: new.name for old, new in renames.items() if old.kind == "schema"}
        self._named: dict[Name, Name] = {}
        self.columns: dict[Name, dict[str, str]] = {}
        self._servers: dict[str, str] = {}
        self._aliases: dict[str, tuple[str, Mapping[str, str]]] = {}
        for old, new in renames.items():
            if old.kind == "column":
                self.columns.setdefault((old.schema, old.parent), {})[old.name] = new.name
            elif old.kind in _ROUTINES:
                self._named[old.schema, old.name.partition("(")[0]] = (new.schema, new.name.partition("(")[0])
            elif old.kind in ("server", "foreign_data_wrapper", "extension"):
                self._servers[old.name] = new.name
            elif old.kind not in _INSIDE or old.kind == "index":
                self._named[old.schema, old.name] = (new.schema, new.name)
        for schema, name in {*self._named, *self.columns}:
            self._aliases[name] = (self.name(schema, name)[1], self.columns.get((schema, name), {}))

    def name(self, schema: str, name: str) -> Name:
        """What a qualified name has become."""
        found = self._named.get((schema, name))
        return found if found is not None else (self._schemas.get(schema, schema), name)

    def id(self, old: ObjectId) -> ObjectId:
        """What an identity has become."""
        if not self._given:
            return old
        given = self._given.get(old)
        if given is not None:
            return given
        if old.kind == "user_mapping":
            return old._replace(parent=self._servers.get(old.parent, old.parent))
        if old.kind == "default_privileges" or not old.schema:
            return old._replace(schema=self._schemas.get(old.schema, old.schema))
        if old.parent:
            schema, parent = self.name(old.schema, old.parent)
            return ObjectId(old.kind, schema, parent, old.name)
        schema = self._schemas.get(old.schema, old.schema)
        name = self.text(old.name, {}) if "(" in old.name and "." in old.name else old.name
        return ObjectId(old.kind, schema, "", name)

    def same(self, id: ObjectId, property: str, old: Any, new: Any) -> bool:
        """Whether the property of the object (identity before) is the same but for the names."""
        if not self._given or old is None or new is None:
            return False
        if self._value(id, property, old) == new:
            return True
        if id.kind in _VIEWS and property == "definition":
            from .renamed_views import same_query

            return same_query(old, new, self, self.columns.get((id.schema, id.name), {}))
        return False

    def _value(self, id: ObjectId, property: str, value: Any) -> Any:
        """The property as it reads with the new names."""
        own = self.columns.get((id.schema, id.parent), {})
        if property == "owned_by":
            column = self.id(ObjectId("column", *value))
            return [column.schema, column.parent, column.name]
        if property in _OWN_COLUMNS and id.kind in ("constraint", "index"):
            return [own.get(name) or self.text(name, own) for name in value]
        if property == "referenced_columns":
            target = self._before.objects[id].properties.get("references", "")
            there = self.columns.get(_pair(target), {})
            return [there.get(name, name) for name in value]
        if property == "partition_key":
            own = self.columns.get((id.schema, id.name), {})
        if property == "tables" and id.kind == "publication":
            return sorted((self._published(item) for item in value), key=lambda item: str(item["table"]))
        if property == "server":
            return self._servers.get(value, value)
        if property == "schema" and id.kind == "extension":
            return self._schemas.get(value, value)
        if id.kind == "statistics":
            own = self.columns.get(_pair(self._before.objects[id].properties["table"]), {})
        if id.kind in _INSIDE:
            given = self._given.get(id)
            own = own if given is None else {**own, id.name: given.name}
        return self._deep(value, own)

    def _published(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A table of a publication, with the columns and the condition."""
        own = self.columns.get(_pair(item["table"]), {})
        found = {key: self._deep(value, own) for key, value in item.items()}
        if "columns" in item:
            found["columns"] = [own.get(name, name) for name in item["columns"]]
        return found

    def _deep(self, value: Any, own: Mapping[str, str]) -> Any:
        if isinstance(value, str):
            return self.text(value, own)
        if isinstance(value, list):
            return [self._deep(item, own) for item in value]
        if isinstance(value, dict):
            return {key: self._deep(item, own) for key, item in value.items()}
        return value

    def text(self, text: str, own: Mapping[str, str]) -> str:
        """Printed text with qualified names exchanged and, as `own` says, bare ones of the object's own table.

        A foreign key names the columns of the table that it refers to in brackets behind it: those too.
        """
        tokens = tokens_of(text)
        out: list[str] = []
        at = 0
        there: Mapping[str, str] | None = None
        while at < len(tokens):
            kind, token = tokens[at]
            if kind in ("word", "quoted") and at + 2 < len(tokens) and tokens[at + 1][1] == ".":
                first, second = _bare(token), _bare(tokens[at + 2][1])
                new = self.name(first, second)
                if new != (first, second):
                    out.append(f"{ident(new[0])}.{ident(new[1])}")
                elif first in ("new", "old") and second in own:
                    out.append(f"{token}.{ident(own[second])}")
                elif first in self._aliases:  # a column, behind its table's name
                    alias, columns = self._aliases[first]
                    out.append(f"{ident(alias)}.{ident(columns.get(second, second))}")
                else:
                    out.append(f"{token}.{tokens[at + 2][1]}")
                there = self.columns.get((first, second), {}) if "REFERENCES " in text else None
                at += 3
                continue
            if kind in ("word", "quoted") and not _is_function_or_type(tokens, at):
                bare = _bare(token)
                names = own if there is None else there
                out.append(ident(names[bare]) if bare in names else token)
            elif kind == "text" and "." in token and tokens[at + 1 : at + 2] == [("cast", "::")]:
                out.append(self._literal(token))
            else:
                out.append(token)
            at += 1
        return "".join(out)

    def _literal(self, token: str) -> str:
        """A constant such as 'public.orders_id_seq' in front of ::regclass."""
        pair = _pair(token[1:-1].replace("''", "'"))
        new = self.name(*pair)
        return token if new == pair else "'" + f"{ident(new[0])}.{ident(new[1])}".replace("'", "''") + "'"


def _bare(token: str) -> str:
    return token[1:-1].replace('""', '"') if token.startswith('"') else token


def _pair(text: str) -> Name:
    """("public", "orders") from 'public.orders'; ("", text) from anything else."""
    tokens = tokens_of(text)
    if len(tokens) == 3 and tokens[1][1] == ".":
        return _bare(tokens[0][1]), _bare(tokens[2][1])
    return "", text


def _is_function_or_type(tokens: list[tuple[str, str]], at: int) -> bool:
    return tokens[at + 1 : at + 2] == [("other", "(")] or (at > 0 and tokens[at - 1][0] == "cast")
