"""The script that keeps rows before a migration, and what it notes of them when the migration is done.

It runs in the migration's transaction, just before it. Copies stand in schema agentdb_archive. At COMMIT a deferred
trigger writes down what the migration made of the rows: only then can a later rollback tell its changes from those
that others made since. Where the capture cannot stand in the migration's transaction, the rollback has to judge by
the transaction that last wrote a row (xmin).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..databases.queries import load
from ..schema.ddl.conversions import strict
from ..schema.model import ObjectId
from ..sql.quote import ident, literal, qualified
from .preimages import ARCHIVE, Kept, KeptColumn


@dataclass(frozen=True, slots=True)
class Capture:
    """What is kept for a migration. sequences: those that go; restarted: those that stay and may be set back.
    together: the script runs in the migration's own transaction."""

    label: str
    tables: tuple[Kept, ...]
    sequences: tuple[ObjectId, ...] = ()
    restarted: tuple[ObjectId, ...] = ()
    together: bool = True
    one_writer: bool = True

    @property
    def empty(self) -> bool:
        return not self.tables and not self.sequences and not self.restarted

    @property
    def head(self) -> str:
        """What the names of this migration's copies begin with."""
        from .preimages import archive_name

        return archive_name(self.label, ObjectId("table", "public", "", "x"), set()).removesuffix("_x")


def archived(name: str) -> str:
    return f"{ARCHIVE}.{ident(name)}"


def after_name(kept: Kept) -> str:
    """The table that says what the migration did to the rows."""
    return archived(f"{kept.archive}_after")


def source(table: ObjectId, partitioned: bool) -> str:
    """The table in FROM: without its children, unless it is a partitioned one."""
    return f"{'' if partitioned else 'ONLY '}{qualified(table.schema, table.name)}"


def value(column: KeptColumn, alias: str, *, after: bool) -> str:
    """The column of a live row in the form in which it is kept."""
    name = f"{alias}.{ident(column.after if after else column.name)}"
    return f"{name}::text" if column.as_text else name


def old_value(column: KeptColumn) -> str:
    """The column of a row after the migration as it will read when it has its old type again, in the form kept."""
    name = f"now.{ident(column.after)}"
    if not column.converted or column.other_type or not _built_in(column.type):
        return value(column, "now", after=True)
    if strict(column.after_type, column.type):
        return f"{name}::{column.type}::text"
    return (
        f"CASE WHEN pg_input_is_valid({name}::text, {literal(column.type)}) THEN {name}::text::{column.type}::text END"
    )


def _built_in(type_name: str) -> bool:
    """Whether the type is the server's own, so that it is there at any time."""
    return "." not in type_name


def script(capture: Capture) -> list[tuple[str, str]]:
    """(comment, SQL without semicolon) of the capture script; [] when nothing has to be kept."""
    if capture.empty:
        return []
    label = literal(capture.label)
    parts: list[tuple[str, str]] = []
    if any(k.secured for k in capture.tables):
        parts.append(
            ("Every row, whatever policies say: fails rather than keep only some.", "SET LOCAL row_security = off")
        )
    parts += archive()
    if capture.together:
        locked = [k for k in capture.tables if k.kinds or k.lost or k.converted or k.dropped]
        names = ", ".join(source(k.table, k.partitioned).removeprefix("ONLY ") for k in locked)
        if names:
            parts.append(
                ("Nobody writes between the copy and the migration.", f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
            )
    parts.append(
        (
            "",
            f"DELETE FROM {ARCHIVE}.captures WHERE migration = {label}",
        )
    )
    parts.append(
        (
            "",
            (
                f"INSERT INTO {ARCHIVE}.captures (migration, transaction_id, together)\n"
                f"VALUES ({label}, pg_current_xact_id()::xid, {'true' if capture.together else 'false'})"
            ),
        )
    )
    for kept in capture.tables:
        parts += _copy(kept, label)
    if capture.sequences or capture.restarted:
        positions = "\nUNION ALL ".join(
            f"SELECT {literal(qualified(s.schema, s.name))} AS name, last_value, is_called FROM {qualified(s.schema, s.name)}"
            for s in (*capture.sequences, *capture.restarted)
        )
        name = archived(f"{capture.head}__positions")
        parts.append(("Positions of sequences that go or start anew.", f"DROP TABLE IF EXISTS {name}"))
        parts.append(("", f"CREATE TABLE {name} AS\n{positions}"))
    if capture.together and any(k.follows_rows for k in capture.tables):
        parts += _settlement(capture)
    if any(k.secured for k in capture.tables):
        parts.append(("", "SET LOCAL row_security = on"))
    return parts


def archive() -> list[tuple[str, str]]:
    """The schema agentdb_archive and its tables, made where they are not there yet."""
    parts: list[tuple[str, str]] = []
    for statement in load("postgres", "rollback_archive").split(";\n"):
        if statement.strip():
            sql = "\n".join(x for x in statement.strip().splitlines() if not x.startswith("--"))
            parts.append(("" if parts else "Where pre-images are kept.", sql))
    return parts


def _copy(kept: Kept, label: str) -> list[tuple[str, str]]:
    columns = ",\n       ".join(
        value(c, "was", after=False) + (f" AS {ident(c.name)}" if c.as_text else "") for c in kept.columns
    )
    name = archived(kept.archive)
    table = qualified(kept.table.schema, kept.table.name)
    parts = [
        (f"{table}: {reason(kept)}.", f"DROP TABLE IF EXISTS {name}, {after_name(kept)}"),
        ("", f"CREATE TABLE {name} AS\nSELECT {columns}\nFROM {source(kept.table, kept.partitioned)} AS was"),
        (
            "",
            (
                f"INSERT INTO {ARCHIVE}.tables (migration, relation, archive, key, kept)\n"
                f"SELECT {label}, {literal(table)}, {literal(kept.archive)}, {_array(kept.key)}, count(*) FROM {name}"
            ),
        ),
    ]
    return parts


def _array(names: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(literal(n) for n in names) + "]::text[]"


def reason(kept: Kept) -> str:
    """Why the table's rows are kept, in words."""
    if kept.dropped:
        return "the migration drops it"
    reasons = []
    if kept.lost:
        reasons.append(f"the migration drops {', '.join(c.name for c in kept.lost)}")
    if kept.rewritten:
        reasons.append("the migration puts another table in its place")
    elif kept.kinds:
        words = {"insert": "adds", "update": "changes", "delete": "deletes"}
        said = [words[k] for k in ("insert", "update", "delete") if k in kept.kinds]
        reasons.append(f"the migration {' and '.join(filter(None, [', '.join(said[:-1]), said[-1]]))} rows")
    if kept.converted and not kept.rewritten:
        reasons.append(f"the migration converts {', '.join(c.name for c in kept.converted)}")
    return "; ".join(reasons) or "kept"


def _settlement(capture: Capture) -> list[tuple[str, str]]:
    """The deferred trigger that writes down, at COMMIT, what the migration made of the rows."""
    name = f"{capture.head}__settle"
    head = archived(name)
    lines = []
    for kept in capture.tables:
        if kept.follows_rows:
            lines += [f"  {s.replace(chr(10), chr(10) + '  ')};" for s in settle(kept, "")]
    lines.append(f"  UPDATE {ARCHIVE}.captures SET settled_at = now() WHERE migration = {literal(capture.label)};")
    lines.append("  RETURN NULL;")
    body = "\n".join(lines)
    return [
        (
            "At COMMIT: what the migration made of the rows, so that later changes by others are known from its own.",
            f"DROP TABLE IF EXISTS {head}",
        ),
        ("", f"CREATE TABLE {head} (migration text)"),
        (
            "",
            f"CREATE OR REPLACE FUNCTION {head}() RETURNS trigger LANGUAGE plpgsql AS $settle$\nBEGIN\n{body}\nEND $settle$",
        ),
        (
            "",
            (
                f"CREATE CONSTRAINT TRIGGER {ident(name)} AFTER INSERT ON {head}\n"
                f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {head}()"
            ),
        ),
        ("", f"SET CONSTRAINTS {head} DEFERRED"),
        ("", f"INSERT INTO {head} VALUES ({literal(capture.label)})"),
    ]


def settle(kept: Kept, writer: str) -> list[str]:
    """Statements that write down what the migration did to the rows of a table, seen from the state after it.

    writer: a condition on `now` that only rows pass that the migration wrote; "" when all changes are its own.
    For tables with a key: <archive>_after has a row for each row that was inserted, updated or deleted, with the
    values that the migration left. Without one: it has the rows that were added, <archive> keeps those that went.
    """
    assert kept.after is not None
    live = source(kept.after, kept.after_partitioned)
    name, after = archived(kept.archive), after_name(kept)
    condition = f" AND {writer}" if writer else ""
    kinds = frozenset({"insert", "update", "delete"})
    if writer and not kept.key_changes:
        kinds = kept.kinds | ({"update"} if kept.converted else frozenset())
    if not kept.key:
        return _settle_without_key(kept, live, writer)
    match = " AND ".join(f"was.{ident(c.name)} = {value(c, 'now', after=True)}" for c in kept.keys)
    first = ident(kept.key[0])
    columns = ", ".join(f"{value(c, 'now', after=True)} AS {ident(c.name)}" for c in kept.shared)
    rest = [c for c in kept.shared if c.name not in kept.key]
    changed = []
    if "insert" in kinds:
        changed.append(f"was.{first} IS NULL")
    if rest and "update" in kinds:
        left = ", ".join(f"was.{ident(c.name)}" for c in rest)
        right = ", ".join(value(c, "now", after=True) for c in rest)
        changed.append(f"was.{first} IS NOT NULL AND ({left}) IS DISTINCT FROM ({right})")
    where = " OR ".join(f"({c})" for c in changed) or "false"
    statements = [
        (
            f"CREATE TABLE {after} AS\n"
            f"SELECT CASE WHEN was.{first} IS NULL THEN 'inserted' ELSE 'updated' END AS agentdb_what, true AS agentdb_same,\n"
            f"       {columns}\n"
            f"FROM {live} AS now LEFT JOIN {name} AS was ON {match}\n"
            f"WHERE ({where}){condition}"
        )
    ]
    if "delete" in kinds:
        keys = ", ".join(ident(k) for k in kept.key)
        was = ", ".join(f"was.{ident(k)}" for k in kept.key)
        statements.append(
            f"INSERT INTO {after} (agentdb_what, agentdb_same, {keys})\n"
            f"SELECT 'deleted', true, {was} FROM {name} AS was\n"
            f"WHERE NOT EXISTS (SELECT FROM {live} AS now WHERE {match})"
        )
    if not kept.lost and not writer:
        same = " AND ".join(f"now.{ident(k)} = was.{ident(k)}" for k in kept.key)
        statements.append(f"DELETE FROM {name} AS was WHERE NOT EXISTS (SELECT FROM {after} AS now WHERE {same})")
    return statements


def _settle_without_key(kept: Kept, live: str, writer: str) -> list[str]:
    name, after = archived(kept.archive), after_name(kept)
    shared = ", ".join(ident(c.name) for c in kept.shared)
    now = ", ".join(f"{old_value(c)} AS {ident(c.name)}" for c in kept.shared)
    if not kept.shared:
        return [f"CREATE TABLE {after} AS SELECT 0 AS agentdb_nothing WHERE false"]
    if kept.lost:  # all rows are put back whole, so all that the migration left are taken away
        where = f"\nWHERE {writer}" if writer.startswith("(") else ""
        if writer.startswith("now.xmin ="):
            where = f"\nWHERE {writer.replace('now.xmin =', 'age(now.xmin) >= age(')})"
        return [f"CREATE TABLE {after} AS\nSELECT {now}\nFROM {live} AS now{where}"]
    where = f"\nWHERE {writer}" if writer else ""
    gone = archived(f"{kept.archive}_gone")
    return [
        f"CREATE TABLE {after} AS\nSELECT {now}\nFROM {live} AS now{where}\nEXCEPT ALL SELECT {shared} FROM {name}",
        f"CREATE TABLE {gone} AS\nSELECT {shared} FROM {name}\nEXCEPT ALL SELECT {now} FROM {live} AS now",
        f"DELETE FROM {name}",
        f"INSERT INTO {name} ({shared}) SELECT {shared} FROM {gone}",
        f"DROP TABLE {gone}",
    ]
