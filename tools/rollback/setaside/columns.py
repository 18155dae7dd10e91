"""A column renamed out of the way in place of being dropped, and what would still stop writes because of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ...databases.queries import load
from ...schema.model import ObjectId, SchemaObject, Snapshot
from ...sql.quote import ident, qualified
from .names import Aside, column_name
from .tables import Table

if TYPE_CHECKING:
    from ...databases.postgres import Connection

# Defaults that give each row a value of its own.
_OWN_VALUE = re.compile(r"\b(nextval|gen_random_uuid|uuid_generate_v\w+|uuidv[47])\(", re.IGNORECASE)


class Bound(NamedTuple):
    """A constraint, or a unique index without one, in which the column stands. kind: p, u, x, c, f or "index"."""

    name: str
    kind: str
    alone: bool
    nulls_equal: bool
    expression: str


def renamed(label: str, number: int, table: Table, column: str) -> tuple[Aside, str]:
    """The column set aside, and the statement that does it."""
    now = column_name(label, number, table.schema, table.name, column)
    sql = f"ALTER TABLE {qualified(table.schema, table.name)} RENAME COLUMN {ident(column)} TO {ident(now)}"
    return Aside("column", table.schema, table.name, column, now), sql


def number_of(conn: Connection, table: int, name: str) -> int:
    """The column's number in its table, 0 when it is not there."""
    row = conn.execute(
        "SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attname = %s AND NOT attisdropped AND attnum > 0",
        (table, name),
    ).fetchone()
    return int(row[0]) if row else 0


def relaxed(conn: Connection, aside: Aside, table: Table, here: Snapshot, wanted: Snapshot) -> Snapshot:
    """`wanted`, the schema after the plain drop, with the column in it as it stays: what could stop a write is gone.

    here: the schema now, with the column under its new name. A NOT NULL stays where every new row gets a value by
    itself. A unique index of the column alone stays where new rows hold NULL, or a value of their own. A check of
    the column alone stays where what new rows hold passes it. Plain indexes and statistics stay. All else goes:
    foreign keys (they stop deletes where they point), and what ties the column to others.
    """
    place = ObjectId("column", aside.schema, aside.table, aside.now)
    column = here.objects[place]
    properties = dict(column.properties)
    filled = bool(properties.get("default") or properties.get("identity") or properties.get("generated"))
    own_value = bool(properties.get("identity") or _OWN_VALUE.search(str(properties.get("default") or "")))
    found = conn.execute(
        load("postgres", "set_aside_unique").encode(),
        {"table": table.oid, "number": number_of(conn, table.oid, aside.now)},
    ).fetchall()
    bounds = [Bound(*row) for row in found]
    unique = [b for b in bounds if b.kind in ("p", "u", "x", "index")]
    if any(b.alone and b.kind != "p" for b in unique) and filled and not own_value and not properties.get("generated"):
        properties.pop("default", None)  # the second row of the same value would be refused
        filled = False
    if not filled:
        for key in [k for k in properties if k.startswith("not_null")]:
            del properties[key]
    keep = {b.name for b in bounds if _stays(conn, b, properties, own_value, filled)}
    objects = dict(wanted.objects) | {place: replace(column, properties=properties)}
    for obj in here:
        if obj.id in objects or not _concerns(obj, aside):
            continue
        bound = next((b for b in bounds if b.name in (obj.id.name, obj.properties.get("constraint"))), None)
        if (
            bound is None
            and obj.id.kind in ("index", "statistics", "sequence")
            or bound is not None
            and bound.name in keep
        ):
            objects[obj.id] = obj
    return Snapshot(wanted.engine, wanted.server_version, wanted.format, objects)


def _concerns(obj: SchemaObject, aside: Aside) -> bool:
    if obj.id.kind == "sequence":
        return list(obj.properties.get("owned_by") or ()) == [aside.schema, aside.table, aside.now]
    if obj.id.kind == "statistics":
        return str(obj.properties.get("table")) == qualified(aside.schema, aside.table)
    return obj.id.kind in ("index", "constraint") and (obj.id.schema, obj.id.parent) == (aside.schema, aside.table)


def _stays(conn: Connection, bound: Bound, column: dict[str, object], own_value: bool, filled: bool) -> bool:
    if not bound.alone or bound.kind == "f" or column.get("generated"):
        return False
    if bound.kind == "c":
        return _passes(conn, bound, column)
    if bound.kind == "p":
        return own_value
    return own_value or (not filled and not bound.nulls_equal)


def _passes(conn: Connection, bound: Bound, column: dict[str, object]) -> bool:
    """Whether a check of the column alone lets pass what new rows hold: its default, or NULL."""
    import psycopg

    value = str(column.get("default") or "NULL")
    if "(" in value or column.get("identity"):
        return False
    name = re.search(r"agentdb_dropped_\w+|\"agentdb_dropped_[^\"]+\"", bound.expression)
    if name is None:
        return False
    query = (
        f"SELECT ({bound.expression}) IS NOT FALSE FROM (SELECT ({value})::{column['type']} AS {name[0]}) AS new_row"
    )
    try:
        with conn.transaction():
            row = conn.execute(query.encode()).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])
