"""What is known of the schema at one point of a script: learned from earlier statements, files, or a snapshot.

A name that is not here is not known, which is not the same as not being there: `Catalog.complete` tells whether
everything that existed was read. Keys are those of shapes.key: "orders", "app.orders".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .shapes import TypeRef

# eq=False, repr=False, here and in what else every check loads: making those methods is a good part of starting up, and
# nobody compares or prints these records.
RELATIONS = frozenset({"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"})


@dataclass(slots=True, eq=False, repr=False)
class Column:
    """A column as far as it is known. type, not_null None: not known. new: added by the change under test."""

    name: str
    type: TypeRef | None = None
    not_null: bool | None = None
    has_default: bool = False
    default: Any = None
    generated: str = ""
    identity: bool = False
    collation: str = ""
    new: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Constraint:
    """A constraint that a table has. `expression` is printed SQL; `made` is the statement's index in this file."""

    kind: str
    name: str
    columns: tuple[str, ...] = ()
    validated: bool = True
    enforced: bool = True
    expression: str = ""
    proves: tuple[str, ...] = ()
    references: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Index:
    """An index. columns: key columns by name, "" for an expression. plain: without expressions and predicate.

    bare: known to be a btree with nothing but its columns (and unique) to tell it from others: usual order and operator
    classes, no predicate, nothing included.
    """

    name: str
    table: str
    columns: tuple[str, ...] = ()
    unique: bool = False
    plain: bool = True
    new: bool = False
    valid: bool = True
    bare: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Table:
    """A table, view or materialized view.

    new: made by the change under test, so nobody uses it yet. known: its columns were read (else only what
    statements happened to say). rows: the target's row count, None when not known.
    """

    name: str
    kind: str = "table"
    new: bool = False
    known: bool = False
    temporary: bool = False
    partitioned: bool = False
    parent: str = ""
    default_partition: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    logged: bool | None = None
    policies: bool = False
    rows: int | None = None

    def column(self, name: str) -> Column:
        """The column; an empty one when nothing is known of it."""
        return self.columns.get(name) or Column(name)

    def proven_not_null(self, column: str) -> bool:
        """Whether the table is known to hold no NULL there: NOT NULL, primary key, or a valid CHECK that says so.

        Source: manual, ALTER TABLE, SET NOT NULL (from 12 on a valid CHECK saves the scan).
        """
        found = self.columns.get(column)
        if found is not None and found.not_null:
            return True
        return any(
            c.kind in ("check", "not null") and c.validated and c.enforced and column in c.proves
            for c in self.constraints.values()
        )


@dataclass(slots=True, eq=False, repr=False)
class Domain:
    """A domain: the type below it and whether values are checked."""

    name: str
    base: TypeRef
    constrained: bool = False
    has_default: bool = False
    new: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Function:
    """A function or procedure. volatility: immutable, stable, volatile. body: its source text. node: CREATE FUNCTION."""

    name: str
    language: str = ""
    volatility: str = "volatile"
    body: str = ""
    node: Any = None
    text: str = ""
    simple: bool = True
    new: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Copy:
    """Values that the change under test copies. column: of the table, "*" for all. into: where to, as a catalog key.

    lock: what the transaction held on the table that stops writers, when the copy was made (a transaction.Held).
    """

    table: str
    column: str
    into: str
    lock: Any = None


@dataclass(slots=True, eq=False, repr=False)
class Catalog:
    """Everything that is known, by key. made: (object word, name) of other things that the change under test made.
    copied, writes: what its statements copy, and those not looked into yet (see copied.py)."""

    tables: dict[str, Table] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    new_types: set[str] = field(default_factory=set)
    functions: dict[str, Function] = field(default_factory=dict)
    schemas: dict[str, bool] = field(default_factory=dict)
    made: set[tuple[str, str]] = field(default_factory=set)
    copied: list[Copy] = field(default_factory=list)
    writes: list[Any] = field(default_factory=list)
    complete: bool = False

    def table(self, name: str) -> Table:
        """What is known of a table; a stranger is remembered as one that was there before."""
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = Table(name)
        return found

    def is_new(self, name: str) -> bool:
        """Whether a relation was made by the change under test (or is temporary)."""
        found = self.tables.get(name)
        return found is not None and (found.new or found.temporary)

    def is_new_object(self, word: str, name: str) -> bool:
        """Whether an object of any kind ("SCHEMA", "FUNCTION") was made by the change under test."""
        if word in RELATIONS:
            return self.is_new(name)
        if word in ("FUNCTION", "PROCEDURE", "ROUTINE") and name in self.functions:
            return self.functions[name].new
        if word == "SCHEMA":
            return self.schemas.get(name, False)
        if word in ("TYPE", "DOMAIN") and name in self.domains:
            return self.domains[name].new
        return (word, name) in self.made or (word == "TYPE" and name in self.new_types)

    def indexes_of(self, table: str) -> list[Index]:
        """The indexes known on a table."""
        return [i for i in self.indexes.values() if i.table == table]

    def users_of_type(self, name: str) -> list[tuple[Table, Column]]:
        """The columns of known tables that have the type or an array of it."""
        return [
            (t, c)
            for t in self.tables.values()
            for c in t.columns.values()
            if c.type is not None and c.type.name == name
        ]

    def under(self, type_ref: TypeRef) -> tuple[TypeRef, bool]:
        """The type below domains, and whether any of them checks its values."""
        constrained = False
        for _ in range(16):
            domain = self.domains.get(type_ref.name)
            if domain is None or type_ref.dims:
                break
            constrained = constrained or domain.constrained
            type_ref = domain.base
        return type_ref, constrained

    def age(self) -> None:
        """From here on everything was there before: the next change begins."""
        for table in self.tables.values():
            table.new = table.temporary = False
            for column in table.columns.values():
                column.new = False
        for index in self.indexes.values():
            index.new = False
        for domain in self.domains.values():
            domain.new = False
        for function in self.functions.values():
            function.new = False
        self.new_types.clear()
        self.made.clear()
        self.copied.clear()
        self.writes.clear()
        self.schemas = dict.fromkeys(self.schemas, False)
