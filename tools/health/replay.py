"""What the migrations make, built anew in the sandbox: the two sides of drift that are not the live database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import SandboxError
from ..databases.dsn import Dsn
from ..records import Migration
from ..sandbox import before
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


@dataclass(frozen=True, slots=True)
class Replayed:
    """expected: after the migrations as they were applied. files: after their files of today; None when those are the
    same. planned: after the pending ones too; None when they do not run. notes: what a reader should know."""

    expected: Snapshot
    files: Snapshot | None
    planned: Snapshot | None
    notes: tuple[str, ...] = ()


def replay(
    server: SandboxServer, recorded: Sequence[Migration], files: Sequence[Migration], pending: Sequence[Migration]
) -> Replayed:
    """The schemas that the migrations make on the sandbox server.

    recorded: the applied migrations in the order in which they ran, with the SQL that ran. files: the same as their files
    are now. Errors: SandboxError when what was applied does not run there.
    """
    notes: list[str] = []
    with server.create() as database:
        notes += before.from_migrations(database, recorded).notes
        expected = _snapshot(database)
        edited = [m.sha256 for m in recorded] != [m.sha256 for m in files]
        planned = None if edited else _further(database, pending, notes)
    if not edited:
        return Replayed(expected, None, planned, tuple(notes))
    with server.create() as database:
        try:
            before.from_migrations(database, files)
        except SandboxError as error:
            notes.append(f"the applied files, as they are now, do not run: {error.what}")
            return Replayed(expected, None, None, tuple(notes))
        return Replayed(expected, _snapshot(database), _further(database, pending, notes), tuple(notes))


def live_schema(server: SandboxServer, conn: Connection, dsn: Dsn) -> tuple[Snapshot, tuple[str, ...]]:
    """The target's schema as the sandbox's server prints it, and notes.

    Read in place when both servers are of one major version. Else it is carried over first (schema only), since two
    versions print one schema differently. Errors: SandboxError when it cannot be carried over whole.
    """
    major, here = conn.info.server_version // 10000, server.version // 10000
    if major == here:
        return read_snapshot(conn), ()
    with server.create() as database:
        state = before.from_target(database, dsn)
        if not state.complete:
            raise SandboxError(
                f"the target is PostgreSQL {major}, the sandbox {here}, and not all of its schema could be carried over",
                hint=state.advice,
            )
        note = f"the target is PostgreSQL {major}, the sandbox {here}: its schema was carried over to be compared"
        return _snapshot(database), (note, *state.notes)


def tried(server: SandboxServer, recorded: Sequence[Migration], statements: Sequence[str], goal: Snapshot) -> str:
    """ "" when the statements, run after the recorded migrations, make the goal's schema; else what is wrong."""
    import psycopg

    from ..schema.diff import diff, significant
    from .drift import IGNORED

    with server.create() as database:
        before.from_migrations(database, recorded)
        with database.connect() as conn:
            try:
                for statement in statements:
                    conn.execute(statement.encode())
            except psycopg.Error as error:
                return f"the sandbox refuses it: {str(error).splitlines()[0]}"
        left = significant(diff(_snapshot(database), goal), ignore_properties=IGNORED)
        return f"it leaves {len(left)} differences, the first: {left[0].line}" if left else ""


def _further(database: SandboxDatabase, pending: Sequence[Migration], notes: list[str]) -> Snapshot | None:
    try:
        before.from_migrations(database, pending)
    except SandboxError as error:
        notes.append(f"the pending migrations were not replayed: {error.what}")
        return None
    return _snapshot(database)


def _snapshot(database: SandboxDatabase) -> Snapshot:
    with database.connect() as conn:
        return read_snapshot(conn)
