"""The state that a migration starts from, made in the sandbox: from the target's schema, or by replaying files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import DatabaseError, SandboxError
from ..databases.dsn import Dsn
from ..databases.queries import load
from ..records import Migration
from ..sql.parse import parse
from ..sql.quote import ident
from . import dump, extensions
from .databases import SandboxDatabase, setting
from .run import run_migration
from .seed import populate

if TYPE_CHECKING:
    import psycopg

    from ..databases.postgres import Connection

NEWEST_READ, OLDEST_READ = 18, 10  # major versions of targets whose schema is read
TOLD = 10  # objects that could not be made, named one by one
LOGINS = re.compile(r"(CREATE|ALTER) USER MAPPING\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BeforeState:
    """How the state before was made.

    source: "target" or "migrations". notes: what a reader should know. missing_extensions: those that the target
    uses and the sandbox has not got. missing: what else could not be made, in the server's words. stand_ins:
    extensions that agentdb's own functions stand in for.
    """

    source: str
    notes: tuple[str, ...] = ()
    missing_extensions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Everything is there; otherwise a verdict from this state is unknown."""
        return not self.missing_extensions and not self.missing

    @property
    def advice(self) -> str:
        """What to do when it is not complete."""
        if self.missing_extensions:
            names = ", ".join(self.missing_extensions)
            return f"Set sandbox.server_dsn_env to a PostgreSQL server that has {names}."
        return "" if self.complete else "Set sandbox.server_dsn_env to a server of the target's kind and version."


def from_target(database: SandboxDatabase, target: Dsn, *, archive: bool = False) -> BeforeState:
    """Make the target's schema, owners, grants and settings in an empty sandbox database; no row is read.
    archive: with the tables of schema agentdb_archive.

    Errors: DatabaseError when the target cannot be read, SandboxError when its version is not one that can.
    """
    from ..databases.postgres import connect

    with connect(target, options={"default_transaction_read_only": "on", "statement_timeout": "60s"}) as connection:
        facts = _Facts(*_row(connection, target))
    major = facts.version // 10000
    if not OLDEST_READ <= major <= NEWEST_READ:
        raise SandboxError(
            f"the target is PostgreSQL {facts.version_text}; schemas of {OLDEST_READ} to {NEWEST_READ} can be read",
            where=str(target),
            hint="Use --replay to rebuild the schema from the migrations.",
        )
    script = dump.schema_of(target, archive=archive)
    database.roles = frozenset(facts.roles)
    made = [name for name in facts.roles_used if database.ensure_role(name)]
    notes = [f"roles made without login for owners and grants: {', '.join(made)}"] if made else []
    with database.connect() as connection:
        here = connection.info.server_version // 10000
        if here != major:
            notes.append(f"measured on PostgreSQL {here}; the target is {facts.version_text}")
        if facts.encoding != "UTF8":
            notes.append(f"the target's encoding is {facts.encoding}, the sandbox's is UTF8")
        available = {n for (n,) in connection.execute("SELECT name FROM pg_catalog.pg_available_extensions")}
        lacking = tuple(name for name in facts.extensions if name not in available)
        missing = _restore(connection, script, lacking, facts.has_public)
        _settings(connection, database.name, facts.settings)
        populate(connection)
        stand_ins = extensions.used(connection)
    if lacking:
        notes.append(f"the sandbox has no extension {', '.join(lacking)}")
    if stand_ins:
        notes.append(extensions.warning(stand_ins))
    return BeforeState("target", tuple(notes), lacking, missing, stand_ins)


def from_migrations(database: SandboxDatabase, migrations: Sequence[Migration]) -> BeforeState:
    """Run earlier migrations, in the order given, in an empty sandbox database.

    Errors: SandboxError with file and line when one of them fails.
    """
    notes: list[str] = []
    for migration in migrations:
        run = run_migration(database, migration, trace=False)
        if not run.ok:
            raise SandboxError(
                f"the earlier migration {migration.label} does not run: {without_place(run.error)}",
                where=f"{migration.path}:{run.line}" if run.line else str(migration.path),
                hint="Mend it, or name a --target to start from its schema instead of replaying files.",
            )
        notes += [f"{migration.label}: {note}" for note in run.notes]
    with database.connect() as connection:
        stand_ins = extensions.used(connection)
    if stand_ins:
        notes.append(extensions.warning(stand_ins))
    return BeforeState("migrations", tuple(dict.fromkeys(notes)), stand_ins=stand_ins)


@dataclass(frozen=True, slots=True)
class _Facts:
    version: int
    version_text: str
    encoding: str
    roles: Sequence[str]
    roles_used: Sequence[str]
    extensions: Sequence[str]
    has_public: bool
    settings: dict[str, str]


def _row(connection: Connection, target: Dsn) -> tuple[Any, ...]:
    import psycopg

    try:
        row = connection.execute(load("postgres", "sandbox_target_facts").encode()).fetchone()
    except psycopg.Error as error:
        raise DatabaseError(
            f"the catalogs cannot be read: {target.scrub(str(error)).strip()}", where=str(target)
        ) from None
    assert row is not None
    return row


def _restore(connection: Connection, script: str, lacking: Sequence[str], has_public: bool) -> tuple[str, ...]:
    """Run the dump; what could not be made. In one go when all is well, else statement by statement."""
    import psycopg

    if not has_public:
        connection.execute(b"DROP SCHEMA public")
    if not lacking and not LOGINS.search(script):
        try:
            connection.execute(script.encode())
            return ()
        except psycopg.Error:
            pass  # all of it was undone; now find out what it is
    failed: list[str] = []
    for parsed in parse(script).statements:
        text = parsed.statement.text
        if LOGINS.match(text) or (parsed.node_name == "create_extension_stmt" and parsed.node.extname in lacking):
            continue
        try:
            connection.execute(text.encode())
        except psycopg.Error as error:
            failed.append(f"{_first_line(text)}: {_said(error)}")
    connection.execute(b"RESET ALL")
    return _shortened(failed)


def _shortened(failed: list[str]) -> tuple[str, ...]:
    more = len(failed) - TOLD
    return tuple(failed[:TOLD]) + ((f"and {more} more",) if more > 0 else ())


def _settings(connection: Connection, database: str, wanted: dict[str, str]) -> None:
    """Give the database the target's settings that change what DDL does or means."""
    import psycopg

    for name, value in wanted.items():
        row = connection.execute("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = %s", (name,)).fetchone()
        if row is None or row[0] == value:
            continue
        key, text = setting(name, value)
        try:
            connection.execute(f"ALTER DATABASE {ident(database)} SET {ident(key)} TO {text}".encode())
        except psycopg.Error:
            continue  # a text search configuration or time zone that this server has not got


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."


def without_place(text: str) -> str:
    """An error's text without the file and line before it."""
    return re.sub(r"^\S+?:\d+: ", "", text)
