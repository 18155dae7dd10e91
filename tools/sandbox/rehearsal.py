"""A migration rehearsed from nothing: the state before it, synthetic rows, the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ...errors import SandboxError
from ..databases.dsn import Dsn
from ..records import Migration
from . import before
from .before import BeforeState
from .fitting import depends_on_rows, fitted
from .run import run_migration
from .runs import SandboxRun
from .seed import SeedReport, seed
from .timing import Timing, timing

if TYPE_CHECKING:
    from .databases import SandboxDatabase
    from .server import SandboxServer

Verdict = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """before: how the state before was made. earlier: the migrations that were run on top of it. seeded: the rows made
    then. run: the migration itself. timing: how long it would take on the target, where there is one."""

    migration: Migration
    before: BeforeState
    earlier: tuple[str, ...]
    seeded: SeedReport
    run: SandboxRun
    timing: Timing | None = None

    @property
    def verdict(self) -> Verdict:
        """unknown when the sandbox lacks something, so that success and failure say little of production."""
        if self.run.unknown or not self.before.complete:
            return "unknown"
        return "ok" if self.run.ok else "failed"

    @property
    def reason(self) -> str:
        """Why it is not ok, in one line; "" when it is."""
        if self.run.unknown or not self.run.ok:
            return self.run.error
        if not self.before.complete:
            lacks = self.before.missing_extensions or self.before.missing
            return f"the state before is not whole: {lacks[0]}"
        return ""


def rehearse(
    database: SandboxDatabase,
    migration: Migration,
    *,
    target: Dsn | None = None,
    replayed: Sequence[Migration] = (),
    earlier: Sequence[Migration] = (),
    rows: int = 12,
    timeout: float = 60.0,
    server: SandboxServer | None = None,
) -> Rehearsal:
    """What comes of the migration in an empty sandbox database.

    server: where copies may be made; with it, a migration that fails for the synthetic rows alone is run again over
    rows that satisfy what it asks, and what it takes on the target is reckoned.

    target: start from its schema; without one, from what `replayed` makes. earlier: migrations to run on top of that
    before the rows are made. rows: per table. Errors: SandboxError, DatabaseError when the state before cannot be made.
    """
    state = before.from_target(database, target) if target else before.from_migrations(database, replayed)
    run_earlier(database, earlier)
    with database.connect() as connection:
        seeded = seed(connection, rows=rows) if rows else SeedReport()
    told = tuple(m.label for m in earlier)
    with ExitStack() as held:
        timed = server is not None and target is not None and rows > 0
        start = held.enter_context(server.clone(database)) if server is not None and timed else database
        run = run_migration(database, migration, timeout=timeout)
        if server is None:
            return Rehearsal(migration, state, told, seeded, run)
        if depends_on_rows(run) and (fit := fitted(server, start, migration, run, rows=rows)) is not None:
            start = held.enter_context(fit.database)
            copy = held.enter_context(server.clone(start))
            again = run_migration(copy, migration, timeout=timeout)
            run = replace(again, notes=(*again.notes, fit.note))
        times = None
        if target is not None and timed and run.ok:
            times = timing(server, start, _carried(migration, timeout), run, target, alone=migration.no_transaction)
        return Rehearsal(migration, state, told, seeded, run, times)


def _carried(migration: Migration, timeout: float) -> Callable[[SandboxDatabase], SandboxRun]:
    return lambda database: run_migration(database, migration, trace=False, timeout=timeout)


def run_earlier(database: SandboxDatabase, migrations: Sequence[Migration]) -> None:
    """Run pending migrations that come first. Errors: SandboxError that names the one that fails."""
    for migration in migrations:
        run = run_migration(database, migration, trace=False)
        if not run.ok:
            raise SandboxError(
                f"{migration.label}, which comes first, does not run: {before.without_place(run.error)}",
                where=f"{migration.path}:{run.line}" if run.line else str(migration.path),
                hint="Mend it first, or move it out of pending.",
            )
