"""What ran in a target: the rows of agentdb.history, and the installation of the ledger itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ... import migrations
from ...errors import DatabaseError
from .. import naming

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One attempt at a migration, or at its rollback (kind "rollback"); newest has the highest id.

    status: running | applied | failed | rolled_back. An `apply` row becomes rolled_back when its rollback is done.
    dirty: failed, and something of it may be left. statements_done: how many statements are known to be done;
    under_way: {"index", "kind", "text"} of one that was started outside a transaction and not seen to end (index
    counts from 0). prefix_sha256: hash of the statements done. shape_*: fingerprints blind to column order.
    backend_pid, backend_start: the session that did the work. error: {"sqlstate", "message", "statement"}.
    undoes: for a rollback, the id of the row that it takes back.
    """

    id: int
    kind: str
    number: int
    version: str
    name: str
    checksum: str
    checksum_version: int
    status: str
    dirty: bool
    transactional: bool
    statement_count: int
    statements_done: int
    prefix_sha256: str
    under_way: Mapping[str, Any] | None
    captured: bool
    started: datetime
    finished: datetime | None
    duration_ms: int | None
    who: str
    approver: str
    approval_nonce: str | None
    plan_sha256: str
    environment: str
    system_identifier: str
    database: str
    rollback_sha256: str
    capture_sha256: str
    fingerprint_before: str
    fingerprint_after: str
    shape_before: str
    shape_after: str
    backend_pid: int | None
    backend_start: datetime | None
    error: Mapping[str, Any] | None
    undoes: int | None
    agentdb_version: str

    @property
    def label(self) -> str:
        return f"{self.version}_{self.name}"

    @property
    def is_open(self) -> bool:
        """Whether the attempt was begun and is neither done nor cleaned up."""
        return self.status == "running" or self.dirty

    @property
    def left_something(self) -> bool:
        """Whether an open attempt may have changed the database. A transactional one has not: its work and the
        word "applied" are committed together."""
        return self.is_open and not self.transactional and bool(self.statements_done or self.under_way or self.captured)


@dataclass(frozen=True, slots=True)
class LedgerMigration:
    """A migration of the ledger's own schema, as it is shipped."""

    version: str
    name: str
    sql: str
    sha256: str


COLUMNS = ", ".join(f.name for f in dataclasses.fields(HistoryRow))


def runs(conn: Connection) -> tuple[HistoryRow, ...]:
    """Every attempt, applies and rollbacks, oldest first; empty when there is no ledger.
    Errors: DatabaseError when this login may not read the ledger."""
    import psycopg

    try:
        if not is_installed(conn):
            return ()
        found = conn.execute(f"SELECT {COLUMNS} FROM agentdb.history ORDER BY id".encode()).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseError(
            "this login may not read schema agentdb",
            hint="GRANT USAGE ON SCHEMA agentdb and SELECT ON ALL TABLES IN SCHEMA agentdb to it.",
        ) from None
    return tuple(HistoryRow(*row) for row in found)


def rows(conn: Connection) -> tuple[HistoryRow, ...]:
    """The attempts to apply migrations, oldest first, without the rollbacks; empty when there is no ledger."""
    return tuple(r for r in runs(conn) if r.kind == "apply")


def applied(found: Iterable[HistoryRow]) -> dict[int, HistoryRow]:
    """The migrations that are applied now, by number."""
    return {r.number: r for r in found if r.kind == "apply" and r.status == "applied"}


def unfinished(found: Iterable[HistoryRow]) -> tuple[HistoryRow, ...]:
    """The attempts that were begun and are neither done nor cleaned up, oldest first."""
    return tuple(r for r in found if r.is_open)


def sql_of(conn: Connection, row: HistoryRow) -> str:
    """The script that an attempt ran, as it was then."""
    found = conn.execute("SELECT sql FROM agentdb.history WHERE id = %s", (row.id,)).fetchone()
    return str(found[0]) if found else ""


def is_installed(conn: Connection) -> bool:
    """Whether the database has a ledger. Source: to_regclass() needs no privilege on the schema's tables."""
    found = conn.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'agentdb' AND c.relname = 'history')"
    ).fetchone()
    return bool(found and found[0])


@cache
def shipped() -> tuple[LedgerMigration, ...]:
    """The ledger's own migrations, in order."""
    found = []
    for entry in resources.files(migrations).iterdir():
        name = naming.parse_name(entry.name)
        if name:
            sql = entry.read_text(encoding="utf-8")
            found.append(LedgerMigration(name.version, name.name, sql, naming.checksum(sql)))
    return tuple(sorted(found, key=lambda m: m.version))


def missing(conn: Connection) -> tuple[LedgerMigration, ...]:
    """The ledger's own migrations that the database has not got yet. Errors: DatabaseError when it has one that
    this agentdb does not ship (it was made by a newer one), or another text of one."""
    if not is_installed(conn):
        return shipped()
    there: dict[str, str] = dict(conn.execute("SELECT version, sha256 FROM agentdb.installed").fetchall())
    known = {m.version: m.sha256 for m in shipped()}
    for version, sha in there.items():
        if known.get(version) != sha:
            raise DatabaseError(
                f"the ledger in this database has part {version}, which this agentdb does not know",
                hint="It was made by another version of agentdb: use that one, or a newer one.",
            )
    return tuple(m for m in shipped() if m.version not in there)


def install(conn: Connection) -> tuple[str, ...]:
    """The versions of the ledger's own migrations that were carried out now, all in one transaction.

    This changes the target: only tools/ledger/apply.py calls it, once an approval that names them is verified.
    """
    from ..sql.parse import parse

    with conn.transaction():
        todo = missing(conn)
        for migration in todo:
            for parsed in parse(migration.sql).statements:
                conn.execute(parsed.statement.text.encode(), binary=True)
            conn.execute(
                "INSERT INTO agentdb.installed (version, name, sha256) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.sha256),
            )
    return tuple(m.version for m in todo)
