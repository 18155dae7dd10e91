"""What migrations have kept or set aside in a target: copies of rows, and tables and columns that were not dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import naming
from ..databases.queries import load
from ..records import Migration
from ..sql.quote import ident, qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SCHEMA = "agentdb_archive"
# A rollback that reads one of these needs what its migration has kept.
NEEDS = re.compile(rf'\b{SCHEMA}\."?m\d*_|\bagentdb_dropped_', re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that lies there.

    kind: "copy" (rows kept before a migration), "note" (what the migration made of them), "helper", "table" or
    "column" (set aside). name: quoted, schema and all; was: the table or column that it stands for. oid, number,
    file: what it is in the catalog (number: a column's), so that another one of the same name is told from it. since:
    when the migration ran. table: a column's. size: bytes, reckoned for a column, None when unknown. rows: None when unknown.
    """

    migration: str
    kind: str
    name: str
    was: str
    since: datetime
    oid: int
    number: int = 0
    file: int = 0
    size: int | None = None
    rows: int | None = None
    restored: datetime | None = None
    table: str = ""

    def identity(self) -> dict[str, Any]:
        """What an approval to delete it is bound to."""
        from .canonical import instant

        return {
            "migration": self.migration,
            "kind": self.kind,
            "name": self.name,
            "table": self.table,
            "was": self.was,
            "since": instant(self.since),
            "oid": self.oid,
            "number": self.number,
            "file": self.file,
        }


def kept(conn: Connection, migrations: Iterable[str] | None = None) -> tuple[Kept, ...]:
    """All that is kept, oldest migration first; of these migrations only when they are named.

    Things in the schema that no migration is written down for are not listed, and never purged.
    """
    there = {
        name: row[0]
        for name in ("captures", "tables", "set_aside")
        if (row := conn.execute("SELECT pg_catalog.to_regclass(%s)::text", (f"{SCHEMA}.{name}",)).fetchone()) and row[0]
    }
    found: list[Kept] = []
    relations = {
        row[1]: row for row in conn.execute(load("postgres", "archive_relations").encode()).fetchall() if there
    }
    if "captures" in there and "tables" in there:
        found += _copies(conn, relations)
    if "set_aside" in there:
        found += _aside(conn, relations)
    wanted = None if migrations is None else set(migrations)
    chosen = (k for k in found if wanted is None or k.migration in wanted)
    return tuple(sorted(chosen, key=lambda k: (k.since, k.migration, k.kind, k.name)))


def unrecorded(conn: Connection) -> tuple[str, ...]:
    """Tables in the schema that no migration is written down for, agentdb's own records left out."""
    known = {k.name for k in kept(conn)} | {f"{SCHEMA}.{n}" for n in ("captures", "tables", "set_aside", "conflicts")}
    rows = conn.execute(load("postgres", "archive_relations").encode()).fetchall()
    return tuple(name for row in rows if row[2] != "function" and (name := qualified(SCHEMA, row[1])) not in known)


def recorded(conn: Connection, migration: str) -> bool:
    """Whether what a migration kept or set aside is still written down as being there."""
    return bool(kept(conn, [migration]))


def _copies(conn: Connection, relations: dict[str, Any]) -> list[Kept]:
    captures = conn.execute(f"SELECT migration, captured_at, restored_at FROM {SCHEMA}.captures".encode()).fetchall()
    tables = conn.execute(f"SELECT migration, relation, archive, kept FROM {SCHEMA}.tables".encode()).fetchall()
    found = []
    for label, since, restored in captures:
        names = [(archive, "copy", relation, rows) for m, relation, archive, rows in tables if m == label]
        names += [(f"{archive}_after", "note", relation, None) for m, relation, archive, _ in tables if m == label]
        names.append((f"{head(label)}__positions", "copy", "positions of sequences", None))
        names.append((f"{head(label)}__settle", "helper", "", None))
        names.append((f"{head(label)}__settle()", "helper", "", None))
        for name, kind, was, rows in names:
            if (row := relations.get(name)) is not None:
                oid, _, relkind, file, size, _ = row
                title = f"{SCHEMA}.{name}" if relkind == "function" else qualified(SCHEMA, name)
                found.append(Kept(label, kind, title, was, since, oid, 0, file, size, rows, restored))
    return found


def _aside(conn: Connection, relations: dict[str, Any]) -> list[Kept]:
    rows = conn.execute(f"SELECT migration, kind, relation, was, now, set_aside_at FROM {SCHEMA}.set_aside".encode())
    aside = rows.fetchall()
    names = [now for _, kind, _, _, now, _ in aside if kind == "column"]
    columns = conn.execute(load("postgres", "archive_columns").encode(), {"names": names}).fetchall() if names else []
    found = []
    for label, kind, relation, was, now, since in aside:
        if kind == "table" and (row := relations.get(now)) is not None:
            oid, _, _, file, size, tuples = row
            found.append(
                Kept(
                    label,
                    kind,
                    qualified(SCHEMA, now),
                    relation,
                    since,
                    oid,
                    0,
                    file,
                    size,
                    tuples if tuples >= 0 else None,
                )
            )
        for oid, number, name, schema, table, size, tuples in columns:
            if kind == "column" and name == now:
                place = qualified(schema, table)
                before = f"{relation}.{ident(was)}"
                found.append(
                    Kept(
                        label, kind, f"{place}.{ident(name)}", before, since, oid, number, 0, size, tuples, None, place
                    )
                )
    return found


def head(label: str) -> str:
    """What the names of a migration's helpers begin with: m007."""
    number = re.match(r"\d+", label)
    return f"m{number[0]}" if number else "m_" + re.sub(r"[^a-z0-9]+", "_", label.lower())[:20].strip("_")


def removal(things: Sequence[Kept]) -> list[str]:
    """The statements that delete them, for good. What depends on a thing by more than belonging to it stops it."""
    statements = []
    helpers = [k for k in things if k.kind == "helper"]
    for thing in (*(k for k in things if k.kind in ("copy", "note", "table")), *helpers):
        word = "FUNCTION" if thing.name.endswith(")") else "TABLE"
        statements.append(f"DROP {word} {thing.name}")
    statements.sort(key=lambda s: s.startswith("DROP FUNCTION"))  # a trigger's table goes before its function
    for thing in reversed([k for k in things if k.kind == "column"]):
        statements.append(_drop(thing.table, thing.name))
    return statements


def purges(conn: Connection) -> tuple[tuple[datetime, Migration], ...]:
    """The purges that changed the schema (of columns set aside), each with its time and as a migration to replay:
    a schema that is built anew from the files has these columns, and the target has not."""
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.purges') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return ()
    found = []
    for label, when, objects in conn.execute(
        "SELECT migration, purged, objects FROM agentdb.purges ORDER BY id"
    ).fetchall():
        gone = [(str(o["table"]), str(o["name"])) for o in objects if o["kind"] == "column"]
        if gone:
            sql = "".join(_drop(table, name) + ";\n" for table, name in reversed(gone))
            version, _, name = label.partition("_")
            path = Path(f"ledger/{label}.purge.sql")
            found.append(
                (when, Migration(version if version.isdigit() else "0", name, path, sql, naming.checksum(sql)))
            )
    return tuple(found)


def _drop(table: str, name: str) -> str:
    return f"ALTER TABLE {table} DROP COLUMN {name.removeprefix(table + '.')}"
