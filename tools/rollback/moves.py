"""Rows of tables that the rollback has to drop and make anew: set aside at its start, put into the new table after.

That happens where no ALTER leads back, for example when the type of a partition key changes. Nothing is needed from
before the migration: what the table holds at the time of the rollback moves.
"""

from __future__ import annotations

from ..schema.ddl.conversions import base
from ..schema.ddl.plan import Plan
from ..schema.model import ObjectId, Snapshot
from ..sql.quote import ident, literal, qualified
from .notes import Note
from .preimages import PLAIN_TYPES


def _tables(work: Plan, now: Snapshot, before: Snapshot) -> list[ObjectId]:
    """Tables to move, without partitions of others among them."""
    found = [t for t in work.remade_tables if t.kind == "table"]
    whole = {qualified(t.schema, t.name) for t in found}
    return [
        t for t in found if str(now.objects[t].properties.get("partition_of")) not in whole and _columns(t, now, before)
    ]


def _columns(table: ObjectId, now: Snapshot, before: Snapshot) -> list[tuple[str, str, bool]]:
    """(name, wanted type, kept as text) of the columns that the table has now and had before."""
    there = {c.id.name: c for c in now.children(table, "column")}
    found = []
    for column in before.children(table, "column"):
        other = there.get(column.id.name)
        if other is None or column.properties.get("generated"):
            continue
        wanted = str(column.properties["type"])
        same = base(wanted) == base(str(other.properties["type"]))
        found.append((column.id.name, wanted, not same or base(wanted).replace(" ", "_") not in PLAIN_TYPES))
    return found


def _name(number: int, head: str) -> str:
    return f"pg_temp.agentdb_{head}moved_{number}"


def aside(work: Plan, now: Snapshot, before: Snapshot, head: str = "") -> list[Note]:
    """Statements for the start of the rollback: rows and positions of sequences set aside.

    head: part of the temporary tables' names, for where rows move twice in one script.
    """
    notes = []
    for number, table in enumerate(_tables(work, now, before), 1):
        columns = ", ".join(
            f"r.{ident(n)}::text AS {ident(n)}" if text else f"r.{ident(n)}"
            for n, _, text in _columns(table, now, before)
        )
        partitioned = now.objects[table].properties.get("partition_key")
        source = f"{'' if partitioned else 'ONLY '}{qualified(table.schema, table.name)}"
        notes.append(
            Note(
                f"{qualified(table.schema, table.name)} has to be made anew: its rows step aside.",
                f"CREATE TEMPORARY TABLE {_name(number, head).removeprefix('pg_temp.')} ON COMMIT DROP AS\nSELECT {columns}\nFROM {source} AS r",
            )
        )
    if work.remade_sequences:
        rows = "\nUNION ALL ".join(
            f"SELECT {literal(qualified(s.schema, s.name))} AS name, last_value, is_called FROM {qualified(s.schema, s.name)}"
            for s in work.remade_sequences
        )
        notes.append(
            Note(
                "Sequences that are made anew go on where they stand.",
                f"CREATE TEMPORARY TABLE agentdb_{head}positions ON COMMIT DROP AS\n{rows}",
            )
        )
    return notes


def back(work: Plan, now: Snapshot, before: Snapshot, head: str = "") -> list[Note]:
    """The rows put into the tables that were made anew; a value that the old type cannot hold stops the rollback."""
    notes = []
    for number, table in enumerate(_tables(work, now, before), 1):
        columns = _columns(table, now, before)
        names = ", ".join(ident(n) for n, _, _ in columns)
        notes += _relaxed(table, {n for n, _, _ in columns}, before)
        values = ", ".join(f"r.{ident(n)}::{t}" if text else f"r.{ident(n)}" for n, t, text in columns)
        always = any(c.properties.get("identity") for c in before.children(table, "column"))
        overriding = "\nOVERRIDING SYSTEM VALUE" if always else ""
        notes.append(
            Note(
                f"{qualified(table.schema, table.name)}: its rows.",
                f"INSERT INTO {qualified(table.schema, table.name)} ({names}){overriding}\nSELECT {values}\nFROM {_name(number, head)} AS r",
            )
        )
    return notes


def _relaxed(table: ObjectId, moved: set[str], before: Snapshot) -> list[Note]:
    """A NOT NULL column whose values come from a copy is empty until then; the end of the draft makes it NOT NULL."""
    found = []
    for column in before.children(table, "column"):
        p = column.properties
        given = column.id.name in moved or any(p.get(k) for k in ("identity", "generated", "not_null_inherited"))
        if p.get("not_null") and p.get("default") is None and not given:
            name = f"{qualified(table.schema, table.name)} ALTER COLUMN {ident(column.id.name)}"
            found.append(Note("", f"ALTER TABLE {name} DROP NOT NULL"))
    return found


def positions(work: Plan, head: str = "") -> list[Note]:
    """Sequences that were made anew put where they stood."""
    return [
        Note(
            "",
            f"SELECT setval({literal(qualified(s.schema, s.name))}, p.last_value, p.is_called)\n"
            f"FROM pg_temp.agentdb_{head}positions AS p WHERE p.name = {literal(qualified(s.schema, s.name))}",
        )
        for s in work.remade_sequences
    ]
