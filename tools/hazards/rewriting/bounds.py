"""Partition bounds as conditions, so that a valid CHECK can spare the server the reading of rows."""

from __future__ import annotations

from typing import Any

from ...schema.model import SchemaObject
from ...sql import grammar
from ...sql.quote import ident
from .place import Place
from .registry import NoForm, Part, Room
from .steps import VALIDATE, title


def condition(parent: SchemaObject, bound: Any) -> str:
    """The rows that a bound takes. Source: manual, CREATE TABLE, FOR VALUES; partbounds.c, get_qual_for_range.

    Errors: NoForm for bounds that cannot be written as a CHECK.
    """
    key = str(parent.properties.get("partition_key", ""))
    column = key[key.find("(") + 1 : key.rfind(")")]
    if bound.is_default:
        raise NoForm("a DEFAULT partition has no bounds of its own")
    if bound.strategy == "h":
        raise NoForm("the bounds of a hash partition cannot be written as a CHECK")
    if not column or "," in column or "(" in column:
        raise NoForm("the partition key has several columns or an expression")
    if bound.strategy == "l":
        values = [grammar.printed(v) for v in bound.listdatums]
        some = [v for v in values if v.upper() != "NULL"]
        inside = f"{column} IN ({', '.join(some)})" if some else ""
        if len(some) == len(values):
            return f"{column} IS NOT NULL AND {inside}"
        return f"{column} IS NULL OR {inside}" if inside else f"{column} IS NULL"
    made = [f"{column} IS NOT NULL"]
    for sign, datums in ((">=", bound.lowerdatums), ("<", bound.upperdatums)):
        value = grammar.printed(datums[0])
        if value.strip('"').lower() not in ("minvalue", "maxvalue"):
            made.append(f"{column} {sign} {value}")
    return " AND ".join(made)


def default_of(place: Place, parent: SchemaObject) -> SchemaObject | None:
    """The DEFAULT partition of a table, as the file finds it."""
    names = {title(parent), parent.id.name}
    for table in place.before.of("table"):
        if table.properties.get("partition_of") in names and table.properties.get("partition_bound") == "DEFAULT":
            return table
    return None


def known(place: Place, table: SchemaObject, holds: str, word: str) -> tuple[list[Part], list[Part]]:
    """(a CHECK that the table's rows are known to satisfy, its removal). word: for the constraint's name."""
    name = ident(place.name(table.id.name, word))
    where = title(table)
    first = [
        Part(f"ALTER TABLE {where} ADD CONSTRAINT {name} CHECK ({holds}) NOT VALID"),
        Part(f"ALTER TABLE {where} VALIDATE CONSTRAINT {name}", Room.OWN, 1, VALIDATE),
    ]
    return first, [Part(f"ALTER TABLE {where} DROP CONSTRAINT {name}", phase=2, step="attach")]
