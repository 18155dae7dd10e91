"""The state before a migration, with rows in it, as a sandbox database to draft and prove on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..databases.dsn import Dsn
from ..records import Migration

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


@dataclass(frozen=True, slots=True)
class Stage:
    """A database in the state before, and what a reader should know of how it was made."""

    database: SandboxDatabase
    notes: tuple[str, ...] = ()
    complete: bool = True


@contextmanager
def before(
    server: SandboxServer,
    migration: Migration,
    *,
    target: Dsn | None = None,
    replayed: Sequence[Migration] = (),
    earlier: Sequence[Migration] = (),
    rows: int = 12,
) -> Iterator[Stage]:
    """The state before the migration: a target's schema, or what `replayed` makes; then `earlier`; then rows that the
    migration accepts. Errors: SandboxError, DatabaseError."""
    from ..sandbox import before as states  # not needed where somebody else made the state
    from ..sandbox import fitting
    from ..sandbox.rehearsal import run_earlier
    from ..sandbox.run import run_migration
    from ..sandbox.seed import seed

    with server.create() as database:
        state = states.from_target(database, target) if target else states.from_migrations(database, replayed)
        run_earlier(database, earlier)
        notes = list(state.notes)
        if not rows:
            yield Stage(database, tuple(notes), state.complete)
            return
        with database.connect() as conn:
            seed(conn, rows=rows)
        with server.clone(database) as copy:
            run = run_migration(copy, migration, trace=False)
        fit = fitting.fitted(server, database, migration, run, rows=rows) if fitting.depends_on_rows(run) else None
        if fit is None:
            yield Stage(database, tuple(notes), state.complete)
            return
        with fit.database as fitting_rows:
            yield Stage(fitting_rows, (*notes, fit.note), state.complete)
