"""Sequences: those of their own or owned by a serial column, and those behind an identity column."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from ..model import ObjectId, SchemaObject, Snapshot
from . import trimmings
from .names import BUILD, FINISH, Step, own

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def create(sequence: SchemaObject, runs_as: str, target: Snapshot) -> list[Step]:
    """CREATE SEQUENCE; OWNED BY comes when the table is there. One behind an identity column comes with the column."""
    if sequence.properties.get("identity"):
        return []
    p = sequence.properties
    unlogged = "UNLOGGED " if p.get("persistence") == "unlogged" else ""
    options = _options(sequence)
    steps = [Step(BUILD, f"CREATE {unlogged}SEQUENCE {own(sequence.id)}{' ' + options if options else ''}")]
    steps += trimmings.for_new(sequence, runs_as, target.server_version)
    if p.get("owned_by"):
        steps.append(Step(FINISH, owned_by(sequence)))
    return steps


def owned_by(sequence: SchemaObject) -> str:
    owner = sequence.properties.get("owned_by")
    column = f"{qualified(owner[0], owner[1])}.{ident(owner[2])}" if owner else "NONE"
    return f"ALTER SEQUENCE {own(sequence.id)} OWNED BY {column}"


def drop(id: ObjectId) -> str:
    return f"DROP SEQUENCE {own(id)}"


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    """Options, owner column and trimmings that differ; the position is data and stays."""
    a, b = now.properties, wanted.properties
    steps = []
    keys = ("type", "start", "increment", "min", "max", "cache", "cycle")
    if any(a.get(k) != b.get(k) for k in keys):
        if int(b["max"]) < int(a["max"]):  # a position beyond the end would be refused
            name = own(wanted.id)
            fits = f"SELECT setval('{name.replace(chr(39), chr(39) * 2)}', {b['max']}) FROM {name} WHERE last_value > {b['max']}"
            steps.append(Step(BUILD, fits))
        steps.append(
            Step(BUILD, f"ALTER SEQUENCE {own(wanted.id)} {_all_options(wanted, with_type=not b.get('identity'))}")
        )
    if a.get("persistence") != b.get("persistence"):
        steps.append(Step(BUILD, f"ALTER SEQUENCE {own(wanted.id)} SET {_logged(b)}"))
    if a.get("owned_by") != b.get("owned_by") and not b.get("identity"):
        steps.append(Step(FINISH, owned_by(wanted)))
    return steps + trimmings.changes(wanted.id, a, b)


def _logged(properties: object) -> str:
    return "UNLOGGED" if isinstance(properties, dict) and properties.get("persistence") == "unlogged" else "LOGGED"


def _options(sequence: SchemaObject) -> str:
    """The options that are not what CREATE SEQUENCE takes by itself."""
    p, parts = sequence.properties, []
    largest = _LARGEST.get(str(p["type"]), 2**63 - 1)
    down = int(p["increment"]) < 0
    usual_min, usual_max = (-largest - 1, -1) if down else (1, largest)
    if p["type"] != "bigint":
        parts.append(f"AS {p['type']}")
    if p["increment"] != 1:
        parts.append(f"INCREMENT BY {p['increment']}")
    if p["min"] != usual_min:
        parts.append(f"MINVALUE {p['min']}")
    if p["max"] != usual_max:
        parts.append(f"MAXVALUE {p['max']}")
    if p["start"] != (p["max"] if down else p["min"]):
        parts.append(f"START WITH {p['start']}")
    if p["cache"] != 1:
        parts.append(f"CACHE {p['cache']}")
    if p.get("cycle"):
        parts.append("CYCLE")
    return " ".join(parts)


def _all_options(sequence: SchemaObject, *, with_type: bool) -> str:
    p = sequence.properties
    head = f"AS {p['type']} " if with_type else ""
    cycle = "CYCLE" if p.get("cycle") else "NO CYCLE"
    return (
        f"{head}INCREMENT BY {p['increment']} MINVALUE {p['min']} MAXVALUE {p['max']}"
        f" START WITH {p['start']} CACHE {p['cache']} {cycle}"
    )


def of_identity(column: SchemaObject, snapshot: Snapshot) -> SchemaObject | None:
    """The sequence behind an identity column."""
    owner = [column.id.schema, column.id.parent, column.id.name]
    for found in snapshot.objects.values():
        if found.id.kind == "sequence" and found.properties.get("identity") and found.properties["owned_by"] == owner:
            return found
    return None


def identity_options(column: SchemaObject, sequence: SchemaObject) -> str:
    """The options in GENERATED ... AS IDENTITY (...): the sequence's name when it is not the usual one, and others."""
    parts = []
    usual = f"{column.id.parent}_{column.id.name}_seq"
    if (sequence.id.schema, sequence.id.name) != (column.id.schema, usual):
        parts.append(f"SEQUENCE NAME {qualified(sequence.id.schema, sequence.id.name)}")
    options = _options(sequence)
    if options.startswith("AS "):
        options = options.split(" ", 2)[2] if options.count(" ") > 1 else ""
    return " ".join([*parts, options]).strip()
