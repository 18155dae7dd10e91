"""How the values of a column get from one type to another: the USING part of ALTER COLUMN ... TYPE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...sql.quote import ident, qualified
from ..model import SchemaObject, Snapshot

_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "numeric", "real", "double precision")
_TEXTS = ("text", "character varying", "character", "name")
_TIMES = ("date", "timestamp without time zone", "timestamp with time zone", "time without time zone")


def base(type_name: str) -> str:
    """The type without its modifier: "character varying(20)" is "character varying", "numeric(10,2)[]" "numeric[]"."""
    return re.sub(r"\(\d+(?:,\s*-?\d+)?\)", "", type_name)


def strict(now: str, wanted: str) -> bool:
    """Whether the server converts by itself (assignment cast), failing on a value that does not fit."""
    a, b = base(now), base(wanted)
    return (
        a == b
        or (a in _NUMBERS and b in _NUMBERS)
        or (a in _TEXTS and b in _TEXTS)
        or (a in _TIMES[:3] and b in _TIMES[:3])
        or b in _TEXTS
        or (a, b) in (("json", "jsonb"), ("jsonb", "json"))
    )


def lossless(now: str, wanted: str) -> bool:
    """Whether every value of `now` comes back unchanged after a change to `wanted` and back again.

    Only what is certain for all values counts; text to varchar(n), timestamps across zones and floats do not.
    """
    if now == wanted:
        return True
    a, b = base(now), base(wanted)
    if a in _INTEGERS and b in _INTEGERS:
        return _INTEGERS.index(a) <= _INTEGERS.index(b)
    if a in _INTEGERS and wanted == "numeric":
        return True
    if a in ("text", "character varying") and b in ("text", "character varying"):
        room, need = _length(wanted), _length(now)
        return room is None or (need is not None and need <= room)
    if a == b == "numeric":
        return wanted == "numeric"
    return False


def _length(type_name: str) -> int | None:
    found = re.search(r"\((\d+)\)", type_name)
    return int(found[1]) if found else None


def comparable(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether values of both types compare with each other, so that a foreign key between them holds."""
    x, y = base(str(a["type"])), base(str(b["type"]))
    return (x in _INTEGERS and y in _INTEGERS) or (x in _TEXTS[:2] and y in _TEXTS[:2])


def guarded(a: Mapping[str, Any], b: Mapping[str, Any], source: Snapshot) -> bool:
    """Whether the conversion yields NULL for values that the old type cannot hold (they come back from pre-images,
    or stop the script at SET NOT NULL)."""
    return not strict(str(a["type"]), str(b["type"])) or (a["type"] == b["type"])


def _by_attribute(name: str, type_name: str, source: Snapshot, target: Snapshot | None) -> str:
    """A value of a composite type put together anew from attributes of the same name and type; "" for other types."""
    for made in target.of("composite") if target else ():
        old = source.objects.get(made.id)
        if old is None or qualified(made.id.schema, made.id.name) != type_name:
            continue
        have = {a["name"]: a for a in old.properties.get("attributes") or []}
        wanted = made.properties.get("attributes") or []
        parts = [
            _attribute(f"({name}).{ident(a['name'])}", a["type"])
            if have.get(a["name"], {}).get("type") == a["type"]
            else f"NULL::{a['type']}"
            for a in wanted
        ]
        if parts:
            return f"CASE WHEN {name} IS DISTINCT FROM NULL THEN ROW({', '.join(parts)})::{type_name} END"
    return ""


def _attribute(value: str, type_name: str) -> str:
    """An attribute's value; by way of its text where its type may be made anew as well."""
    return f"{value}::text::{type_name}" if "." in type_name else value


def using(
    now: SchemaObject, wanted: SchemaObject, source: Snapshot, *, retype: bool, target: Snapshot | None = None
) -> str:
    """The USING clause with a leading blank, or nothing where the server converts by itself.

    pg_input_is_valid exists from PostgreSQL 16 on; older servers convert unguarded.
    """
    a, b = str(now.properties["type"]), str(wanted.properties["type"])
    name = ident(wanted.id.name)
    if retype and a == b and (row := _by_attribute(name, b, source, target)):
        return f" USING {row}"
    if strict(a, b) and not retype:
        return ""
    if (base(a), base(b)) in (("boolean", "integer"), ("integer", "boolean")):
        return f" USING {name}::{b}"
    if source.server_version >= 160000:
        literal = "'" + b.replace("'", "''") + "'"
        return f" USING CASE WHEN pg_input_is_valid({name}::text, {literal}) THEN {name}::text::{b} END"
    return f" USING {name}::text::{b}"
