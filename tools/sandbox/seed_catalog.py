"""The tables to fill, with what their rows have to satisfy, read in four queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from ..sql.quote import qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(slots=True)
class Type:
    """A type as pg_type has it. fields: (type, modifier) of a composite's attributes. subtype: of a range or multirange."""

    oid: int
    name: str
    sort: str  # pg_type.typtype: b base, d domain, e enum, c composite, r range, m multirange
    category: str
    element: int
    base: int
    modifier: int
    not_null: bool
    labels: Sequence[str] | None
    checks: Sequence[str] | None
    fields: Sequence[tuple[int, int]] | None
    subtype: int


@dataclass(slots=True)
class Column:
    """A column. automatic: the server fills it (identity, generated, a sequence's default)."""

    name: str
    number: int
    type: int
    type_text: str
    modifier: int
    not_null: bool
    identity: bool
    generated: bool
    default: str | None

    @property
    def sequence(self) -> bool:
        return self.identity or (self.default or "").startswith("nextval(")


@dataclass(slots=True)
class ForeignKey:
    """columns of the table point to `target_columns` of the table with oid `target`."""

    name: str
    columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """A table to fill. uniques: sets of columns; those with expressions are left to the server. leaves: what a row
    must satisfy for each partition, in turn."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    columns: list[Column] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    uniques: list[tuple[str, ...]] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return qualified(self.schema, self.name)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(slots=True)
class Catalog:
    """Tables by oid and types by oid."""

    tables: dict[int, Table]
    types: dict[int, Type]


def read(connection: Connection) -> Catalog:
    """What there is to fill, in order of schema and name."""

    def rows(name: str) -> list[tuple[Any, ...]]:
        return connection.execute(load("postgres", name).encode()).fetchall()

    tables: dict[int, Table] = {}
    for oid, schema, name, partitioned, *column in rows("sandbox_seed_columns"):
        table = tables.setdefault(oid, Table(oid, schema, name, partitioned))
        if column[0] is not None:
            table.columns.append(Column(*column))
    for oid, sort, name, keys, target, target_keys, expression in rows("sandbox_seed_constraints"):
        if oid in tables:
            _constraint(tables, tables[oid], str(sort), str(name), keys, target, target_keys, expression)
    for oid, expression, default in rows("sandbox_seed_partitions"):
        if oid in tables and expression and not default:
            tables[oid].leaves.append(str(expression))
    types = {row[0]: Type(*row) for row in rows("sandbox_seed_types")}
    for table in tables.values():
        for each in table.columns:
            kind = types.get(each.type)
            while kind is not None and kind.sort == "d":  # a domain may forbid NULL where the column does not
                each.not_null = each.not_null or kind.not_null
                kind = types.get(kind.base)
    return Catalog(tables, types)


def _constraint(
    tables: dict[int, Table],
    table: Table,
    sort: str,
    name: str,
    keys: Sequence[int] | None,
    target: int,
    target_keys: Sequence[int] | None,
    expression: str | None,
) -> None:
    numbers = {c.number: c.name for c in table.columns}
    if sort == "c" and expression:
        table.checks.append(expression)
    elif sort == "u" and keys and all(k in numbers for k in keys):
        # a partial index is taken as a whole one: rows that differ everywhere satisfy both
        table.uniques.append(tuple(numbers[k] for k in keys))
    elif sort == "f" and keys and target_keys and target in tables:
        there = {c.number: c.name for c in tables[target].columns}
        columns = tuple(numbers[k] for k in keys)
        table.foreign_keys.append(ForeignKey(name, columns, target, tuple(there[k] for k in target_keys)))
