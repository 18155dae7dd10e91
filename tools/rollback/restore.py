"""Putting rows back: what a rollback script looks at first, and what it does once tables and columns are there again.

Rows that others wrote after the migration stay as they are. Where both the migration and somebody else changed the
same row, or a key is taken, the row is left and noted in agentdb_archive.conflicts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..schema.ddl.order import ordered
from ..schema.ddl.triggers import switch
from ..schema.model import ObjectId, SchemaObject, Snapshot
from ..sql.quote import ident, literal, qualified
from .capture import Capture, after_name, archived, source, value
from .notes import Note, conflicts, told
from .preimages import ARCHIVE, Kept, KeptColumn


def positions(capture: Capture, before: Snapshot, only: Collection[ObjectId] | None = None) -> list[Note]:
    """Sequences put where they stood, unless they stand further on. only: these."""
    name = archived(f"{capture.head}__positions")
    notes: list[Note] = []
    for s in (*capture.sequences, *capture.restarted):
        if only is not None and s not in only:
            continue
        title = qualified(s.schema, s.name)
        down = int(before.objects[s].properties.get("increment") or 1) < 0
        further, than = ("s", "p") if down else ("p", "s")
        notes.append(
            Note(
                "" if notes else "Sequences go on where they stood.",
                f"SELECT setval({literal(title)}, p.last_value, p.is_called) FROM {name} AS p, {title} AS s\n"
                f"WHERE p.name = {literal(title)}"
                f" AND ({further}.last_value, p.is_called) > ({than}.last_value, s.is_called)",
            )
        )
    return notes


def back(
    capture: Capture,
    before: Snapshot,
    live: Snapshot,
    triggers: Iterable[SchemaObject],
    keys: Iterable[SchemaObject],
    order: str = "insert update delete",
) -> list[Note]:
    """The rows put back, for after tables and columns are there again and before constraints are.

    live: the schema that the rollback started from (names are those of before). triggers, keys: triggers, rules and
    foreign keys that exist while rows are put back: triggers and rules are held off, and no row goes that another one points at.
    order: of the three kinds of change; which one the foreign and unique keys allow is found by trial.
    """
    label = literal(capture.label)
    tables = _parents_first(capture.tables, before)
    ids = _with_partitions({k.table for k in capture.tables}, live)
    held = [t for t in triggers if ObjectId("table", t.id.schema, "", t.id.parent) in ids]
    held = [t for t in held if t.properties.get("enabled") in ("origin", "always")]
    notes = [
        Note("" if number else "Triggers are held off: the rows come back as they were.", switch(t.id, "disabled"))
        for number, t in enumerate(held)
    ]
    ruled = {ObjectId("table", t.id.schema, "", t.id.parent) for t in held if t.id.kind == "rule"}
    keys = list(keys)
    referring = _references(before)
    inserts: list[Note] = []
    updates: list[Note] = []
    deletes: list[Note] = []
    for kept in tables:
        mine = referring.get(kept.table, [])
        inserts += _inserts(kept, mine, label, plain=kept.table in ruled)
        updates += _updates(kept, mine, label)
        deletes = _deletes(kept, keys, label) + deletes
    changes = {"insert": inserts, "update": updates, "delete": deletes}
    notes += [note for kind in order.split() for note in changes[kind]]
    for number, trigger in enumerate(held):
        notes.append(
            Note("" if number else "Triggers work again.", switch(trigger.id, str(trigger.properties["enabled"])))
        )
    if notes:
        notes.append(Note("", "SET CONSTRAINTS ALL IMMEDIATE"))
    return notes


def _with_partitions(tables: set[ObjectId], live: Snapshot) -> set[ObjectId]:
    """The tables and their partitions of every level, which can have triggers of their own."""
    parts: dict[str, list[ObjectId]] = {}
    for table in live.of("table"):
        if parent := table.properties.get("partition_of"):
            parts.setdefault(str(parent), []).append(table.id)
    found, todo = set(tables), list(tables)
    while todo:
        top = todo.pop()
        new = [p for p in parts.get(qualified(top.schema, top.name), ()) if p not in found]
        found.update(new)
        todo += new
    return found


def _parents_first(tables: Sequence[Kept], before: Snapshot) -> list[Kept]:
    by_name = {qualified(k.table.schema, k.table.name): k for k in tables}
    edges = []
    for constraint in before.of("constraint"):
        if constraint.properties.get("type") == "foreign key":
            child = by_name.get(qualified(constraint.id.schema, constraint.id.parent))
            parent = by_name.get(str(constraint.properties.get("references")))
            if child and parent and child is not parent:
                edges.append((parent.table, child.table))
    by_id = {k.table: k for k in tables}
    return [by_id[t] for t in ordered(list(by_id), edges, {})]


def stored(column: KeptColumn, alias: str) -> str:
    """The kept value as a value of the column's own type."""
    name = f"{alias}.{ident(column.name)}"
    return f"{name}::{column.type}" if column.as_text and column.type != "text" else name


def _references(before: Snapshot) -> dict[ObjectId, list[SchemaObject]]:
    """The foreign keys of before by their table, those to the table itself left out."""
    found: dict[ObjectId, list[SchemaObject]] = {}
    for key in before.of("constraint"):
        p = key.properties
        table = ObjectId("table", key.id.schema, "", key.id.parent)
        elsewhere = str(p.get("references")) != qualified(table.schema, table.name)
        if p.get("type") == "foreign key" and not p.get("inherited") and elsewhere:
            found.setdefault(table, []).append(key)
    return found


def _refers(kept: Kept, keys: Iterable[SchemaObject], columns: Iterable[KeptColumn]) -> str:
    """A condition that the rows which kept values refer to are there; "" when they refer to none."""
    by_name = {c.name: c for c in columns}
    conditions = []
    for key in keys:
        own = [str(c) for c in key.properties.get("columns") or ()]
        there = [str(c) for c in key.properties.get("referenced_columns") or ()]
        if not set(own) <= set(by_name):
            continue
        empty = " OR ".join(f"was.{ident(c)} IS NULL" for c in own)
        match = " AND ".join(
            f"other.{ident(r)} = {stored(by_name[c], 'was')}" for c, r in zip(own, there, strict=False)
        )
        conditions.append(f"({empty} OR EXISTS (SELECT FROM {key.properties['references']} AS other WHERE {match}))")
    return "\n  AND ".join(conditions)


def _inserts(kept: Kept, keys: Iterable[SchemaObject], label: str, *, plain: bool = False) -> list[Note]:
    """Rows that went. plain: without ON CONFLICT, which the server refuses where a table has rules."""
    if not kept.columns:
        return []
    refers = _refers(kept, keys, kept.columns)
    table, name = qualified(kept.table.schema, kept.table.name), archived(kept.archive)
    columns = ", ".join(ident(c.name) for c in kept.columns)
    values = ", ".join(stored(c, "was") for c in kept.columns)
    overriding = "\nOVERRIDING SYSTEM VALUE" if any(c.identity == "always" for c in kept.columns) else ""
    head = f"INSERT INTO {table} ({columns}){overriding}\nSELECT {values}\nFROM {name} AS was"
    if kept.dropped:
        notes = [Note(f"{table}: its rows.", head + (f"\nWHERE {refers}" if refers else ""))]
        if refers and kept.key:
            why = "'dropped with its table; a row that it refers to is gone since'"
            notes.append(Note("", conflicts(kept, label, "was", why) + f"\nFROM {name} AS was WHERE NOT ({refers})"))
        return notes
    if not kept.follows_rows or "delete" not in _kinds(kept):
        return []
    if not kept.key:
        where = f"\nWHERE {refers}" if refers else ""
        return [Note(f"{table}: the rows that the migration changed or deleted, as they were.", head + where)]
    match = " AND ".join(f"a.{ident(k)} = was.{ident(k)}" for k in kept.key)
    notes = [
        Note(
            f"{table}: the rows that the migration deleted.",
            f"{head} JOIN {after_name(kept)} AS a ON {match}\n"
            "WHERE a.agentdb_what = 'deleted' AND a.agentdb_same"
            + (f"\n  AND {refers}" if refers else "")
            + ("" if plain else "\nON CONFLICT DO NOTHING"),
        )
    ]
    there = " AND ".join(f"{value(c, 'now', after=False)} = a.{ident(c.name)}" for c in kept.keys)
    notes.append(
        Note(
            "",
            conflicts(
                kept,
                label,
                "a",
                "'deleted by the migration; a unique value of it is in use, or a row that it refers to is gone'",
            )
            + f"\nFROM {after_name(kept)} AS a WHERE a.agentdb_what = 'deleted' AND a.agentdb_same\n"
            f"  AND NOT EXISTS (SELECT FROM {source(kept.table, kept.partitioned)} AS now WHERE {there})",
        )
    )
    return notes


def _kinds(kept: Kept) -> frozenset[str]:
    """What may have happened to the rows; an update of a key looks like a deletion and an insertion."""
    if not kept.key or kept.rewritten:
        return frozenset({"insert", "update", "delete"})
    kinds = kept.kinds | ({"update"} if kept.converted else frozenset())
    return kinds | ({"insert", "delete"} if kept.key_changes else frozenset())


def _updates(kept: Kept, keys: Iterable[SchemaObject], label: str) -> list[Note]:
    if kept.dropped:
        return []
    table, name = source(kept.table, kept.partitioned), archived(kept.archive)
    title = qualified(kept.table.schema, kept.table.name)
    if not kept.key:
        return [] if kept.follows_rows else _lost_without_key(kept)
    notes = []
    there = " AND ".join(f"{value(c, 'now', after=False)} = was.{ident(c.name)}" for c in kept.keys)
    keys = list(keys)
    if kept.lost:
        sets = ", ".join(f"{ident(c.name)} = {stored(c, 'was')}" for c in kept.lost)
        names = ", ".join(c.name for c in kept.lost)
        refers = _refers(kept, keys, kept.lost)
        sql = f"UPDATE {table} AS now SET {sets}\nFROM {name} AS was WHERE {there}"
        if kept.follows_rows and "delete" in _kinds(kept):  # a key that is in use again belongs to another row
            same = " AND ".join(f"a.{ident(k)} = was.{ident(k)}" for k in kept.key)
            sql += f"\n  AND NOT EXISTS (SELECT FROM {after_name(kept)} AS a WHERE {same}"
            sql += " AND a.agentdb_what = 'deleted' AND NOT a.agentdb_same)"
        notes.append(Note(f"{title}: the values of {names}.", sql + (f"\n  AND {refers}" if refers else "")))
        if refers:
            why = "'a row that a dropped column referred to is gone since'"
            notes.append(Note("", conflicts(kept, label, "was", why) + f"\nFROM {name} AS was WHERE NOT ({refers})"))
    rest = [c for c in kept.shared if c.name not in kept.key and c.identity != "always"]
    if rest and kept.follows_rows and "update" in _kinds(kept):
        sets = ", ".join(f"{ident(c.name)} = {stored(c, 'was')}" for c in rest)
        match = " AND ".join(f"a.{ident(k)} = was.{ident(k)}" for k in kept.key)
        refers = _refers(kept, keys, rest)
        changed = f"{name} AS was JOIN {after_name(kept)} AS a ON {match}"
        which = "a.agentdb_what = 'updated' AND a.agentdb_same"
        notes.append(
            Note(
                f"{title}: the values that the migration changed.",
                f"UPDATE {table} AS now SET {sets}\nFROM {changed}\nWHERE {there} AND {which}"
                + (f"\n  AND {refers}" if refers else ""),
            )
        )
        if refers:
            why = "'changed by the migration; a row that it referred to before is gone since'"
            notes.append(
                Note("", conflicts(kept, label, "was", why) + f"\nFROM {changed}\nWHERE {which} AND NOT ({refers})")
            )
    return notes


def _lost_without_key(kept: Kept) -> list[Note]:
    """Dropped columns of a table without a key: rows are told by their other columns; equal ones are alike."""
    if not kept.lost:
        return []
    table, name = source(kept.table, kept.partitioned), archived(kept.archive)
    title = qualified(kept.table.schema, kept.table.name)
    row_now = f"ROW({', '.join(value(c, 'r', after=False) for c in kept.shared)})::text"
    row_was = f"ROW({', '.join(f'r.{ident(c.name)}' for c in kept.shared)})::text"
    sets = ", ".join(f"{ident(c.name)} = {stored(c, 'was')}" for c in kept.lost)
    names = ", ".join(c.name for c in kept.lost)
    lost = ", ".join(f"r.{ident(c.name)}" for c in kept.lost)
    return [
        Note(
            f"{title}: the values of {names}; without a key, rows are told by what else they hold.",
            f"UPDATE {table} AS now SET {sets}\nFROM (\n"
            f"  SELECT r.tableoid AS part, r.ctid AS place, {row_now} AS content,\n"
            f"         row_number() OVER (PARTITION BY {row_now}) AS number FROM {table} AS r) AS here\n"
            f"JOIN (\n  SELECT {lost}, {row_was} AS content,\n"
            f"         row_number() OVER (PARTITION BY {row_was}) AS number FROM {name} AS r) AS was\n"
            "  ON was.content = here.content AND was.number = here.number\n"
            "WHERE now.tableoid = here.part AND now.ctid = here.place",
        )
    ]


def _deletes(kept: Kept, keys: Iterable[SchemaObject], label: str) -> list[Note]:
    if kept.dropped or not kept.follows_rows or "insert" not in _kinds(kept):
        return []
    table, after = source(kept.table, kept.partitioned), after_name(kept)
    title = qualified(kept.table.schema, kept.table.name)
    if not kept.key:
        return _delete_without_key(kept)
    there = " AND ".join(f"{value(c, 'now', after=False)} = a.{ident(c.name)}" for c in kept.keys)
    pointed = "".join(
        f"\n  AND NOT EXISTS (SELECT FROM {qualified(k.id.schema, k.id.parent)} AS other WHERE {points(k)})"
        for k in keys
        if str(k.properties.get("references")) == title and k.id.parent != kept.table.name
    )
    notes = [
        Note(
            f"{title}: the rows that the migration added.",
            f"DELETE FROM {table} AS now USING {after} AS a\n"
            f"WHERE {there} AND a.agentdb_what = 'inserted' AND a.agentdb_same{pointed}",
        )
    ]
    if pointed:
        notes.append(
            Note(
                "",
                conflicts(kept, label, "a", "'added by the migration; rows written since refer to it'")
                + f"\nFROM {after} AS a JOIN {table} AS now ON {there}\n"
                "WHERE a.agentdb_what = 'inserted' AND a.agentdb_same",
            )
        )
    return notes


def points(key: SchemaObject) -> str:
    columns = key.properties.get("columns") or []
    referenced = key.properties.get("referenced_columns") or []
    return " AND ".join(f"other.{ident(c)} = now.{ident(r)}" for c, r in zip(columns, referenced, strict=False))


def _delete_without_key(kept: Kept) -> list[Note]:
    table, after = source(kept.table, kept.partitioned), after_name(kept)
    if not kept.shared:
        return []
    title = qualified(kept.table.schema, kept.table.name)
    row_now = f"ROW({', '.join(value(c, 'r', after=False) for c in kept.shared)})::text"
    row_was = f"ROW({', '.join(f'r.{ident(c.name)}' for c in kept.shared)})::text"
    return [
        Note(
            f"{title}: the rows that the migration added or changed; without a key, rows are told by what they hold.",
            f"DELETE FROM {table} AS now USING (\n"
            f"  SELECT r.tableoid AS part, r.ctid AS place, {row_now} AS content,\n"
            f"         row_number() OVER (PARTITION BY {row_now}) AS number FROM {table} AS r) AS here\n"
            f"JOIN (SELECT {row_was} AS content, count(*) AS times FROM {after} AS r GROUP BY 1) AS a\n"
            "  ON a.content = here.content AND here.number <= a.times\n"
            "WHERE now.tableoid = here.part AND now.ctid = here.place",
        )
    ]


def done(capture: Capture) -> list[Note]:
    """The end of the script: the helper for COMMIT goes, the capture is marked, conflicts are told."""
    label = literal(capture.label)
    notes = []
    if capture.together and any(k.follows_rows for k in capture.tables):
        head = archived(f"{capture.head}__settle")
        notes += [Note("", f"DROP TABLE IF EXISTS {head}"), Note("", f"DROP FUNCTION IF EXISTS {head}()")]
    notes.append(
        Note(
            "The copies stay in agentdb_archive until somebody drops them.",
            f"UPDATE {ARCHIVE}.captures SET restored_at = now() WHERE migration = {label}",
        )
    )
    notes.append(told(label))
    return notes
