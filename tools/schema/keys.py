"""Constraints and indexes. Most are plain, and a plain one is put together here, character for character as the
server prints it; printing thousands of them one by one is what makes reading a schema slow.

The printing rules are those of pg_get_constraintdef_worker and pg_get_indexdef_worker (utils/adt/ruleutils.c,
PostgreSQL 13-18). Whatever is not plain is asked of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .canonical import printed
from .catalog import PG_CLASS, PG_CONSTRAINT, PG_TYPE, Catalog, kept
from .model import ObjectId

Rows = Iterable[tuple[Any, ...]]

NAME, TYPE, COLLATION = 2, 3, 4  # places in a row of snapshot_columns
_TYPES = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "exclude"}
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_ORDERS = ("", " DESC NULLS LAST", " NULLS FIRST", " DESC")  # by pg_index.indoption: 1 descending, 2 nulls first
_VARCHAR, _TEXT = 1043, 25  # oids of the types (catalog/pg_type.dat)


def add_indexes(catalog: Catalog, rows: Rows, classes: Mapping[int, tuple[int, bool]]) -> tuple[list[int], set[int]]:
    """Keep the indexes; comes back with those whose definition the server has to print, and with those that are
    no more than their key (nothing INCLUDEd, nulls distinct).

    classes: operator class -> the type it is for, and whether it is that type's default.
    """
    unprinted: list[int] = []
    bare: set[int] = set()
    at, keep = catalog.addresses[PG_CLASS], catalog.properties
    unsaid = _unsaid_classes(classes)
    for row in rows:
        oid, relation, name, method, unique, plain, keys, numbers, opclasses, collations, orders, expressions, nulls = (
            row[:13]
        )
        table = at.get(relation)
        if table is None:
            continue
        columns = catalog.numbers[relation]
        parts = [columns[n][NAME] if n else printed(expressions[i]) if i < keys else "" for i, n in enumerate(numbers)]
        whole = keys == len(numbers)
        if whole and not nulls:
            bare.add(oid)
        definition = ""
        if plain and whole and _only_names(columns, numbers, opclasses, collations, unsaid):
            key = ", ".join([catalog.quoted(n) + _ORDERS[o] for n, o in zip(parts, orders, strict=True)])
            definition = (
                f"CREATE {'UNIQUE ' if unique else ''}INDEX {catalog.quoted(name)} ON {catalog.shown[relation]}"
                f" USING btree ({key})"
            )
        else:
            unprinted.append(oid)
        found: dict[str, Any] = {"definition": definition, "method": method, "columns": parts[:keys]}
        if unique:
            found["unique"] = True
        if not whole:
            found["include"] = parts[keys:]
        if row[13] is not None:
            found.update(kept(row[13]))
        at[oid] = id = ObjectId("index", table.schema, table.name, name)
        keep[id] = found
    return unprinted, bare


def _unsaid_classes(classes: Mapping[int, tuple[int, bool]]) -> set[tuple[int, int]]:
    """Operator classes and column types with which the server does not print the class: when it is the default of
    the type (get_opclass_name). Certain when it is made for exactly this type, or for text and the column is a
    varchar; others are left to the server."""
    found = {(oid, for_type) for oid, (for_type, default) in classes.items() if default}
    return found | {(oid, _VARCHAR) for oid, for_type in found if for_type == _TEXT}


def _only_names(
    columns: Mapping[int, tuple[Any, ...]],
    numbers: Sequence[int],
    opclasses: Sequence[int],
    collations: Sequence[int],
    unsaid: set[tuple[int, int]],
) -> bool:
    """Whether the server prints no operator class and no collation with the key's columns."""
    for number, opclass, collation in zip(numbers, opclasses, collations, strict=True):
        column = columns[number]
        if collation != column[COLLATION] or (opclass, column[TYPE]) not in unsaid:
            return False
    return True


def add_constraints(catalog: Catalog, rows: Rows, bare_indexes: set[int]) -> list[int]:
    """Keep the constraints, tell the indexes which constraint made them; comes back with the constraints whose
    definition the server has to print."""
    unprinted = []
    at, keep, constraints = catalog.addresses[PG_CLASS], catalog.properties, catalog.addresses[PG_CONSTRAINT]
    for row in rows:
        oid, relation, domain, name, type_, key, target, target_name, target_key = row[:9]
        index, period, seldom = row[12:]
        table = at.get(relation) if relation else catalog.addresses[PG_TYPE].get(domain)
        if table is None:
            continue
        if domain:
            found = {"definition": "", **dict(kept(seldom or {}))}
            unprinted.append(oid)
            catalog.add(PG_CONSTRAINT, oid, ObjectId("domain_constraint", table.schema, table.name, name), found)
            continue
        numbers = catalog.numbers[relation]
        columns = [numbers[n][NAME] for n in key or () if n > 0]
        definition = ""
        if seldom is None and not period:
            if type_ == "f":
                definition = _foreign_key(catalog, columns, row)
            elif index in bare_indexes and type_ in "pu":
                word = "PRIMARY KEY" if type_ == "p" else "UNIQUE"
                definition = f"{word} ({', '.join(map(catalog.quoted, columns))})"
        if not definition:
            unprinted.append(oid)
        found = {"type": _TYPES[type_], "definition": definition}
        if columns:
            found["columns"] = columns
        if type_ == "f":
            found["references"] = target_name
            there = catalog.numbers.get(target, {})
            if all(n in there for n in target_key):
                found["referenced_columns"] = [there[n][NAME] for n in target_key]
        elif type_ != "c" and index in at:
            keep[at[index]]["constraint"] = name
        if seldom is not None:
            found.update(kept(seldom))
        constraints[oid] = id = ObjectId("constraint", table.schema, table.name, name)
        keep[id] = found
    return unprinted


def _foreign_key(catalog: Catalog, columns: list[str], row: tuple[Any, ...]) -> str:
    """The definition of a plain foreign key; "" when it is not plain."""
    target, target_name, target_key, on_update, on_delete, match = row[6:12]
    there = catalog.numbers.get(target, {})
    if match != "s" or on_delete in "nd" or not all(n in there for n in target_key):
        return ""  # SET NULL and SET DEFAULT may name columns (15 and later)
    text = (
        f"FOREIGN KEY ({', '.join(map(catalog.quoted, columns))})"
        f" REFERENCES {target_name}({', '.join(catalog.quoted(there[n][NAME]) for n in target_key)})"
    )
    if on_update != "a":
        text += f" ON UPDATE {_ACTIONS[on_update]}"
    if on_delete != "a":
        text += f" ON DELETE {_ACTIONS[on_delete]}"
    return text


def set_definitions(catalog: Catalog, rows: Rows) -> None:
    """The definitions that the server printed on request."""
    for classid, oid, definition in rows:
        catalog.properties[catalog.addresses[classid][oid]]["definition"] = printed(definition)
