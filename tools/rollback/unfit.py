"""Values and keys that the old type of a column cannot hold: noted, or taken away, before the type comes back."""

from __future__ import annotations

from collections.abc import Iterable

from ..schema.model import ObjectId, Snapshot
from ..sql.quote import ident, literal, qualified
from .capture import Capture, after_name, archive, source, value
from .notes import Note, told
from .preimages import ARCHIVE
from .restore import points


def unfit(capture: Capture, guarded: Iterable[ObjectId], now: Snapshot, before: Snapshot) -> list[Note]:
    """Values written since that the old type cannot hold, noted before they become NULL.

    guarded: columns, in their old names, that are about to be converted. Rows that come back from a copy are left out.
    """
    label = literal(capture.label)
    notes: list[Note] = []
    kept = {k.table: k for k in capture.tables}
    for column in guarded:
        table = ObjectId("table", column.schema, "", column.parent)
        wanted = before.objects[column].properties["type"]
        fits = _fits(str(wanted), before, f"now.{ident(column.name)}")
        if not fits or table not in now.objects:
            continue
        key = _primary_key(before, table, now)
        pairs = ", ".join(f"{literal(k)}, now.{ident(k)}" for k in key)
        name = qualified(table.schema, table.name)
        partitioned = bool(now.objects[table].properties.get("partition_key"))
        text = f"now.{ident(column.name)}::text"
        why = f"{literal(column.name + ' was ')} || quote_literal({text}) || {literal(f', which {wanted} cannot hold')}"
        back = ""
        found = kept.get(table)
        if found and found.key and found.follows_rows:
            match = " AND ".join(f"a.{ident(c.name)}::text = now.{ident(c.name)}::text" for c in found.keys)
            back = f"\n  AND NOT EXISTS (SELECT FROM {after_name(found)} AS a WHERE {match} AND a.agentdb_same)"
        notes.append(
            Note(
                "" if notes else "Values written since that the old type cannot hold are noted before they go.",
                f"INSERT INTO {ARCHIVE}.conflicts (migration, relation, key, why)\n"
                f"SELECT {label}, {literal(name)}, jsonb_build_object({pairs}), {why}\n"
                f"FROM {source(table, partitioned)} AS now\nWHERE NOT ({fits}){back}",
            )
        )
    if notes and capture.empty:
        return [*(Note(comment, sql) for comment, sql in archive()), *notes, told(label)]
    return notes


def _fits(wanted: str, before: Snapshot, value: str) -> str:
    """A condition that a value fits the wanted type, "" where the server cannot be asked yet."""
    inner = wanted.removesuffix("[]")
    for enum in before.of("enum"):
        if qualified(enum.id.schema, enum.id.name) == inner:
            labels = ", ".join(literal(x) for x in enum.properties.get("labels") or ())
            if not labels:
                return ""
            return f"{value}::text[] <@ ARRAY[{labels}]" if inner != wanted else f"{value}::text IN ({labels})"
    own = {
        qualified(t.schema, t.name) for t in before.objects if t.kind in ("domain", "composite", "range", "base_type")
    }
    return "" if inner in own else f"pg_input_is_valid({value}::text, {literal(wanted)})"


def _primary_key(before: Snapshot, table: ObjectId, now: Snapshot) -> list[str]:
    there = {c.id.name for c in now.children(table, "column")}
    for constraint in before.children(table, "constraint"):
        columns = [str(c) for c in constraint.properties.get("columns") or ()]
        if constraint.properties.get("type") == "primary key" and set(columns) <= there:
            return columns
    return []


def early(capture: Capture, guarded: Iterable[ObjectId], after: Snapshot) -> list[Note]:
    """Rows that the migration added and whose key the old type cannot hold: they go before the type does.

    after: the schema that the rollback starts from.
    """
    notes: list[Note] = []
    columns = set(guarded)
    for kept in capture.tables:
        keys = {ObjectId("column", kept.table.schema, kept.table.name, k) for k in kept.key}
        if not keys & columns or not kept.follows_rows or kept.after is None:
            continue
        live = source(kept.after, kept.after_partitioned)
        match = " AND ".join(f"{value(c, 'now', after=True)} = a.{ident(c.name)}" for c in kept.keys)
        title = qualified(kept.after.schema, kept.after.name)
        pointed = "".join(
            f"\n  AND NOT EXISTS (SELECT FROM {qualified(k.id.schema, k.id.parent)} AS other WHERE {points(k)})"
            for k in after.of("constraint")
            if k.properties.get("type") == "foreign key"
            and str(k.properties.get("references")) == title
            and k.id.parent != kept.after.name
        )
        notes.append(
            Note(
                f"{qualified(kept.table.schema, kept.table.name)}: rows that the migration added, with keys that are new.",
                f"DELETE FROM {live} AS now USING {after_name(kept)} AS a\n"
                f"WHERE {match} AND a.agentdb_what = 'inserted' AND a.agentdb_same{pointed}",
            )
        )
    return notes
