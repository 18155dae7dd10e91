"""What is known of a target's tables, columns, types and functions: read from its catalog, each thing once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..databases.reading import Reader
from ..sql.quote import ident, qualified

# Stable functions that read tables which nobody named, or the server's state.
NOT_ASKED = re.compile(r"pg_\w+|\w+_to_xml\w*|current_setting|has_\w+_privilege|cursor_\w+")
# The server's own functions that change settings or large objects, or run a text.
MEDDLING = re.compile(r"set_config|lo_\w+|pg_\w+|\w+_to_xml\w*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column. type: as the server prints it; base: of a domain the type below, else the same. plain: the server's own
    code compares and prints its values."""

    name: str
    type: str
    base: str
    base_kind: str
    not_null: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the target. kind: pg_class.relkind. rows: as statistics say. parent: it has inheritance children.
    family: it shares rows with parents or children. fires: writing it may change something else. strategy, key: how it is partitioned; key None for expressions."""

    oid: int
    schema: str
    name: str
    kind: str
    rows: int
    parent: bool
    fires: bool
    family: bool
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    strategy: str = ""
    key: tuple[str, ...] | None = None
    default_partition: int | None = None

    @property
    def title(self) -> str:
        """The name as SQL, with its schema."""
        return qualified(self.schema, self.name)

    def source(self, *, alone: bool = False, alias: str = "") -> str:
        """The relation as a FROM item. alone: without the tables that inherit from it."""
        only = "ONLY " if alone and self.kind == "r" and self.parent else ""
        return f"{only}{self.title} AS {ident(alias or self.name)}"


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the target. kind: pg_type.typtype. own: the server's own. checks: of a domain, as
    "CHECK (...)". foreign_code: to make a value of it runs code of others."""

    name: str
    kind: str
    oid: int
    own: bool
    labels: tuple[str, ...]
    checks: tuple[str, ...]
    foreign_code: bool


class Facts:
    """The target's catalog, asked when something is needed of it. Names are resolved as the target's login would: by
    its own search_path, which nothing else is asked under. Errors of every method: psycopg.Error."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._relations: dict[int, Relation] = {}
        self._oids: dict[tuple[str, str], int | None] = {}
        self._code: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._path = ""

    @property
    def version(self) -> int:
        """The server's version, like 180006."""
        return self.reader.connection.info.server_version

    def relation(self, name: str) -> Relation | None:
        """A relation by its name as SQL, with or without a schema; None when there is none."""
        oid = self._oid("to_regclass", name)
        return self.relation_of(oid) if oid else None

    def relation_of(self, oid: int) -> Relation | None:
        """A relation by its oid; None when it is gone."""
        if oid not in self._relations:
            found = self.reader.rows("preconditions_relation", {"oid": oid})
            if not found:
                return None
            row = found[0]
            columns = self.reader.rows("preconditions_columns", {"oid": oid})
            self._relations[oid] = Relation(
                oid=oid,
                schema=row["schema"],
                name=row["name"],
                kind=row["kind"],
                rows=row["rows"],
                parent=row["parent"],
                fires=row["fires"],
                family=row["family"],
                columns={c["name"]: Column(**c) for c in columns},
                primary_key=tuple(row["primary_key"]),
                strategy=row["strategy"] or "",
                key=tuple(row["key"]) if row["key"] else None,
                default_partition=row["default_partition"],
            )
        return self._relations[oid]

    def type(self, name: str) -> Type | None:
        """A type by its name as SQL; None when there is none."""
        oid = self._oid("to_regtype", name)
        if not oid:
            return None
        row = self.reader.rows("preconditions_type", {"oid": oid})[0]
        foreign = row["foreign_code"] or row["deep"]
        return Type(row["name"], row["kind"], oid, row["own"], tuple(row["labels"]), tuple(row["checks"]), foreign)

    def uses_of_domain(self, oid: int) -> list[Mapping[str, Any]]:
        """Where a domain is used: {"oid" (relation), "column", "nested"}."""
        return list(self.reader.rows("preconditions_domain_uses", {"oid": oid}))

    def constraint(self, oid: int, name: str) -> str:
        """A constraint that is not validated yet, as "CONSTRAINT name definition"; "" when there is none."""
        found = self.reader.rows("preconditions_constraint", {"oid": oid, "name": name})
        return f"CONSTRAINT {found[0]['name']} {found[0]['definition']}" if found else ""

    def index_columns(self, oid: int, index: str) -> tuple[str, ...]:
        """The columns of an index of a relation; () for one that is not there."""
        found = self.reader.rows("preconditions_index", {"oid": oid, "name": index})
        return tuple(found[0]["columns"]) if found and found[0]["columns"] else ()

    def meddles(self, functions: Iterable[str]) -> bool:
        """Whether one of the functions may change rows or settings: others than the server's own, and few of those."""
        names = list(dict.fromkeys(functions))
        self._learn([("function", n) for n in names])
        known = [self._code["function", n] for n in names]
        return any(not k["known"] or k["others"] or MEDDLING.fullmatch(n) for n, k in zip(names, known, strict=True))

    def unfit(self, functions: Iterable[str], operators: Iterable[str] = ()) -> str:
        """Why a question may not call these functions and operators of pg_catalog, or ""."""
        wanted = [("function", f) for f in functions] + [("operator", o) for o in operators]
        self._learn(wanted)
        for what, name in wanted:
            code = self._code[what, name]
            if not code["known"]:
                return f"it calls {name}, which is not the server's own"
            if code["others"]:
                return f"somebody made {'a function' if what == 'function' else 'an operator'} {name} of their own"
            if what == "function" and (not code["steady"] or NOT_ASKED.fullmatch(name)):
                return f"{name} may do something, or say something else each time"
        return ""

    def _learn(self, wanted: Iterable[tuple[str, str]]) -> None:
        missing = [w for w in wanted if w not in self._code]
        if missing:
            values = {
                "functions": [n for what, n in missing if what == "function"],
                "operators": [n for what, n in missing if what == "operator"],
            }
            for row in self.reader.rows("preconditions_code", values):
                self._code[row["what"], row["name"]] = row

    def _oid(self, function: str, name: str) -> int | None:
        key = (function, name)
        if key not in self._oids:
            path = self._path or self._own_path()
            text = f"SELECT pg_catalog.{function}(%(name)s)::oid::bigint AS oid"
            found = self.reader.select(text, {"name": name}, search_path=path)
            self._oids[key] = found[0]["oid"]
        return self._oids[key]

    def _own_path(self) -> str:
        """The login's search_path, asked before the reader puts its own in its place."""
        row = self.reader.connection.execute("SELECT pg_catalog.current_setting('search_path')").fetchone()
        assert row is not None
        self._path = str(row[0]) or "pg_catalog"
        return self._path
