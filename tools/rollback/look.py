"""What others changed since the migration: looked up at the start of a rollback, before the schema changes."""

from __future__ import annotations

from collections.abc import Sequence

from ..sql.quote import ident, literal
from .capture import Capture, after_name, archived, settle, source, value
from .notes import Note, conflicts
from .preimages import ARCHIVE, Kept


def look(capture: Capture) -> list[Note]:
    """What was changed since the migration: statements for the start of the rollback, before the schema changes."""
    label = literal(capture.label)
    notes: list[Note] = []
    following = [k for k in capture.tables if k.follows_rows]
    if not following:
        return notes
    if capture.together:
        for kept in following:
            if kept.key:
                notes += _still_same(kept, label)
    else:
        notes.append(_writer(capture, following, label))
        newer = (
            f"age(now.xmin) < (SELECT age(c.transaction_id) FROM {ARCHIVE}.captures AS c WHERE c.migration = {label})"
        )
        one = f"now.xmin = (SELECT c.writer FROM {ARCHIVE}.captures AS c WHERE c.migration = {label})"
        for kept in following:
            notes.append(Note("", f"DROP TABLE IF EXISTS {after_name(kept)}"))
            condition = one if capture.one_writer else newer
            if any(c.other_type and c.in_place for c in kept.shared):  # rows that nobody wrote look otherwise too
                condition = f"({condition} OR NOT {newer})"
            notes += [Note("", sql) for sql in settle(kept, condition)]
            if kept.key and capture.one_writer and kept.kinds & {"update", "delete"}:
                notes.append(_written_by_others(kept, one, newer, label))
    if not notes:
        return notes
    first, *rest = notes
    return [Note(first.comment or "What was changed since the migration stays.", first.sql), *rest]


def _writer(capture: Capture, following: Sequence[Kept], label: str) -> Note:
    rows = "\n    UNION ALL ".join(
        f"SELECT xmin AS xid FROM {source(k.after, k.after_partitioned)}" for k in following if k.after
    )
    return Note(
        "The migration's own transaction is the first after the copy that wrote to these tables.",
        f"UPDATE {ARCHIVE}.captures AS c SET writer = (\n  SELECT w.xid FROM (\n    {rows}) AS w\n"
        f"  WHERE age(w.xid) < age(c.transaction_id) ORDER BY age(w.xid) DESC LIMIT 1)\nWHERE c.migration = {label}",
    )


def _still_same(kept: Kept, label: str) -> list[Note]:
    """Marks rows that somebody else changed after the migration, and notes them as conflicts."""
    assert kept.after is not None
    live, after = source(kept.after, kept.after_partitioned), after_name(kept)
    match = " AND ".join(f"{value(c, 'now', after=True)} = a.{ident(c.name)}" for c in kept.keys)
    rest = [c for c in kept.shared if c.name not in kept.key]
    notes = []
    if rest:
        left = ", ".join(value(c, "now", after=True) for c in rest)
        right = ", ".join(f"a.{ident(c.name)}" for c in rest)
        notes.append(
            Note(
                "",
                f"UPDATE {after} AS a SET agentdb_same = false FROM {live} AS now\n"
                f"WHERE a.agentdb_what <> 'deleted' AND {match} AND ({left}) IS DISTINCT FROM ({right})",
            )
        )
    notes.append(
        Note(
            "",
            f"UPDATE {after} AS a SET agentdb_same = false\n"
            f"WHERE (a.agentdb_what = 'deleted') = EXISTS (SELECT FROM {live} AS now WHERE {match})",
        )
    )
    notes.append(
        Note(
            "",
            conflicts(
                kept,
                label,
                "a",
                "CASE a.agentdb_what WHEN 'deleted' THEN 'the key of a deleted row is in use again'"
                " ELSE 'changed since the migration ' || a.agentdb_what || ' it; left as it is' END",
            )
            + f"\nFROM {after} AS a WHERE NOT a.agentdb_same"
            + f" AND EXISTS (SELECT FROM {live} AS now WHERE {match})",
        )
    )
    return notes


def _written_by_others(kept: Kept, one: str, newer: str, label: str) -> Note:
    assert kept.after is not None
    live = source(kept.after, kept.after_partitioned)
    match = " AND ".join(f"was.{ident(c.name)} = {value(c, 'now', after=True)}" for c in kept.keys)
    rest = [c for c in kept.shared if c.name not in kept.key]
    left = ", ".join(f"was.{ident(c.name)}" for c in rest)
    right = ", ".join(value(c, "now", after=True) for c in rest)
    differs = f" AND ({left}) IS DISTINCT FROM ({right})" if rest else ""
    return Note(
        "",
        conflicts(kept, label, "was", "'written since the migration; left as it is'")
        + f"\nFROM {live} AS now JOIN {archived(kept.archive)} AS was ON {match}\n"
        f"WHERE {newer} AND NOT {one}{differs}",
    )
