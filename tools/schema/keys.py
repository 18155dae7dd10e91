"""Constraints and indexes. Most are plain, and a plain one is put together here, character for character as the
server prints it; printing thousands of them one by one is what makes reading a schema slow.

The printing rules are those of pg_get_constraintdef_worker and pg_get_indexdef_worker (utils/adt/ruleutils.c,
PostgreSQL 13-18). Whatever is not plain is asked of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .canonical import canonical
from .catalog import PG_CLASS, PG_CONSTRAINT, PG_TYPE, Catalog, kept
from .model import ObjectId

Rows = Iterable[tuple[Any, ...]]
Numbers = Mapping[int, tuple[str, int, int]]

_TYPES = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "exclude"}
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_VARCHAR, _TEXT = 1043, 25  # oids of the types (catalog/pg_type.dat)


def add_indexes(catalog: Catalog, rows: Rows, classes: Mapping[int, tuple[int, bool]]) -> tuple[list[int], set[int]]:
    """Keep the indexes; comes back with those whose definition the server has to print, and with those that are
    no more than their key (nothing INCLUDEd, nulls distinct).

    classes: operator class -> the type it is for, and whether it is that type's default.
    """
    unprinted: list[int] = []
    bare: set[int] = set()
    at, keep = catalog.addresses[PG_CLASS], catalog.properties
    for row in rows:
        oid, relation, name, method, unique, definition, keys, numbers, _, _, _, expressions, nulls, seldom = row
        table = at.get(relation)
        if table is None:
            continue
        columns = catalog.numbers[relation]
        parts = [columns[n][0] if n else canonical(expressions[i]) if i < keys else "" for i, n in enumerate(numbers)]
        if keys == len(numbers) and not nulls:
            bare.add(oid)
        if definition is not None:
            definition = canonical(definition)
        elif _is_plain(columns, row, classes):
            key = ", ".join(map(catalog.quoted, parts))
            definition = (
                f"CREATE {'UNIQUE ' if unique else ''}INDEX {catalog.quoted(name)} ON {catalog.shown[relation]}"
                f" USING btree ({key})"
            )
        else:
            unprinted.append(oid)
        found: dict[str, Any] = {"definition": definition, "method": method, "columns": parts[:keys]}
        if unique:
            found["unique"] = True
        if keys < len(parts):
            found["include"] = parts[keys:]
        if seldom is not None:
            found.update(kept(seldom))
        keep[id := ObjectId("index", table.schema, table.name, name)] = found
        at[oid] = id
    return unprinted, bare


def _is_plain(columns: Numbers, row: tuple[Any, ...], classes: Mapping[int, tuple[int, bool]]) -> bool:
    """Whether the server prints nothing but the columns' names: no order, operator class, collation, INCLUDE.

    An operator class is not printed when it is the default of the column's type (get_opclass_name): certain when it
    is made for exactly this type, or for text and the column is a varchar. Others are left to the server.
    """
    keys, numbers, opclasses, collations, orders = row[6:11]
    if keys != len(numbers) or any(orders):
        return False
    for number, opclass, collation in zip(numbers, opclasses, collations, strict=True):
        _, type_, own = columns[number]
        for_type, default = classes.get(opclass, (0, False))
        if not default or collation != own or (for_type != type_ and (for_type, type_) != (_TEXT, _VARCHAR)):
            return False
    return True


def add_constraints(catalog: Catalog, rows: Rows, bare_indexes: set[int]) -> list[int]:
    """Keep the constraints, tell the indexes which constraint made them; comes back with the constraints whose
    definition the server has to print."""
    unprinted = []
    at, keep, constraints = catalog.addresses[PG_CLASS], catalog.properties, catalog.addresses[PG_CONSTRAINT]
    for row in rows:
        oid, relation, domain, name, type_, definition, key, target, target_name, target_key = row[:10]
        index, period, seldom = row[13:]
        table = at.get(relation) if relation else catalog.addresses[PG_TYPE].get(domain)
        if table is None:
            continue
        if domain:
            found = {"definition": canonical(definition), **dict(kept(seldom or {}))}
            catalog.add(PG_CONSTRAINT, oid, ObjectId("domain_constraint", table.schema, table.name, name), found)
            continue
        numbers = catalog.numbers[relation]
        columns = [numbers[n][0] for n in key or () if n > 0]
        if definition is not None:
            definition = canonical(definition)
        elif seldom is None and not period:
            if type_ == "f":
                definition = _foreign_key(catalog, columns, row)
            elif index in bare_indexes:
                word = "PRIMARY KEY" if type_ == "p" else "UNIQUE"
                definition = f"{word} ({', '.join(map(catalog.quoted, columns))})"
        if definition is None:
            unprinted.append(oid)
        found = {"type": _TYPES[type_], "definition": definition}
        if columns:
            found["columns"] = columns
        if type_ == "f":
            found["references"] = target_name
            there = catalog.numbers.get(target, {})
            if all(n in there for n in target_key):
                found["referenced_columns"] = [there[n][0] for n in target_key]
        elif type_ != "c" and index in at:
            keep[at[index]]["constraint"] = name
        if seldom is not None:
            found.update(kept(seldom))
        keep[id := ObjectId("constraint", table.schema, table.name, name)] = found
        constraints[oid] = id
    return unprinted


def _foreign_key(catalog: Catalog, columns: list[str], row: tuple[Any, ...]) -> str | None:
    """The definition of a plain foreign key; None when it is not plain."""
    target, target_name, target_key, on_update, on_delete, match = row[7:13]
    there = catalog.numbers.get(target, {})
    if match != "s" or on_delete in "nd" or not all(n in there for n in target_key):
        return None  # SET NULL and SET DEFAULT may name columns (15 and later)
    text = (
        f"FOREIGN KEY ({', '.join(map(catalog.quoted, columns))})"
        f" REFERENCES {target_name}({', '.join(catalog.quoted(there[n][0]) for n in target_key)})"
    )
    if on_update != "a":
        text += f" ON UPDATE {_ACTIONS[on_update]}"
    if on_delete != "a":
        text += f" ON DELETE {_ACTIONS[on_delete]}"
    return text


def set_definitions(catalog: Catalog, rows: Rows) -> None:
    """The definitions that the server printed on request."""
    for classid, oid, definition in rows:
        catalog.properties[catalog.addresses[classid][oid]]["definition"] = canonical(definition)
