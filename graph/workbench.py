"""The sandbox of one run: the state before each migration, built once and kept while the run lasts.

Migration N starts from what N-1 left behind. A run that is resumed in another process finds an empty bench and
builds the same states again, so nothing about it has to be stored.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..tools.databases.dsn import Dsn
from ..tools.records import Migration

if TYPE_CHECKING:
    from ..tools.sandbox.before import BeforeState
    from ..tools.sandbox.databases import SandboxDatabase
    from ..tools.sandbox.runs import SandboxRun
    from ..tools.sandbox.server import SandboxServer
    from ..tools.schema.model import Snapshot

ServerFactory = Callable[[], AbstractContextManager["SandboxServer"]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of the schema with rows in it. run: how the last migration got here, None for the first state.

    start: the state that the last migration ran on, with rows that it accepts; the way back is proven from there.
    """

    database: SandboxDatabase
    snapshot: Snapshot
    run: SandboxRun | None = None
    start: SandboxDatabase | None = None

    @property
    def ok(self) -> bool:
        return self.run is None or self.run.ok


class Workbench:
    """Sandbox databases by the migrations that made them. The server starts with the first question.

    target: whose schema the first state is; None for the state that `applied` makes. rows: synthetic rows per table of
    the first state; what the migrations make stays as empty as it would be. root: messages show paths from there.
    """

    def __init__(
        self,
        server: ServerFactory,
        *,
        target: Dsn | None = None,
        applied: Callable[[], Sequence[Migration]] = tuple,
        root: Path = Path("."),
        rows: int = 12,
        timeout: float = 60.0,
    ) -> None:
        self._factory = server
        self._target = target
        self._applied = applied
        self._root = root
        self._rows = rows
        self._timeout = timeout
        self._held = contextlib.ExitStack()
        self._server: SandboxServer | None = None
        self._stages: dict[tuple[str, ...], Stage] = {}
        self._grounds: dict[tuple[str, ...], SandboxDatabase] = {}
        self._lock = threading.RLock()
        self.before: BeforeState | None = None

    @property
    def server(self) -> SandboxServer:
        with self._lock:
            if self._server is None:
                self._server = self._held.enter_context(self._factory())
            return self._server

    def stage(self, migrations: Sequence[Migration]) -> Stage:
        """The state after these migrations, in this order; the first state for none.

        A migration that fails leaves the state before it, and its stage says so. Errors: SandboxError, DatabaseError.
        """
        with self._lock:
            key = tuple(m.sha256 for m in migrations)
            if key not in self._stages:
                self._stages[key] = self._next(migrations) if migrations else self._first()
            return self._stages[key]

    def proving_ground(self, migrations: Sequence[Migration]) -> SandboxDatabase:
        """The state that the last of these migrations ran on, with rows also in the tables that the ones before it
        made, as long as it runs over them: only over rows can a way back be proven."""
        from ..tools.sandbox.run import run_migration
        from ..tools.sandbox.seed import seed

        with self._lock:
            key = tuple(m.sha256 for m in migrations)
            if key in self._grounds:
                return self._grounds[key]
            start = self.stage(migrations).start
            assert start is not None  # only the first state has none
            ground = start
            if self._rows and len(migrations) > 1:
                filled = self.server.clone(start)
                with filled.connect() as connection:
                    more = any(seed(connection, rows=self._rows).rows.values())
                if more and self._runs(filled, migrations[-1], run_migration):
                    ground = filled
                else:
                    filled.drop()
            self._grounds[key] = ground
            return ground

    def _runs(self, database: SandboxDatabase, migration: Migration, run: Callable[..., SandboxRun]) -> bool:
        """Whether the migration runs on a copy of the database."""
        with self.server.clone(database) as copy:
            return run(copy, self._shown(migration), trace=False, timeout=self._timeout).ok

    def clear(self) -> None:
        """Drop every state; the server stays."""
        with self._lock:
            for stage in self._stages.values():
                stage.database.drop()
            for ground in self._grounds.values():
                ground.drop()
            self._stages.clear()
            self._grounds.clear()
            self.before = None

    def close(self) -> None:
        """Drop every state and let go of the server."""
        with self._lock:
            self.clear()
            self._held.close()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first(self) -> Stage:
        from ..tools.sandbox import before
        from ..tools.sandbox.seed import seed
        from ..tools.schema.snapshot import read_snapshot

        database = self.server.create("before")
        if self._target is not None:
            self.before = before.from_target(database, self._target)
        else:
            self.before = before.from_migrations(database, self._applied())
        with database.connect() as connection:
            if self._rows:
                seed(connection, rows=self._rows)
            return Stage(database, read_snapshot(connection))

    def _next(self, migrations: Sequence[Migration]) -> Stage:
        from ..tools.sandbox import fitting
        from ..tools.sandbox.run import run_migration
        from ..tools.schema.snapshot import read_snapshot

        earlier, shown = self.stage(migrations[:-1]), self._shown(migrations[-1])
        start = earlier.database
        database = self.server.clone(start)
        run = run_migration(database, shown, timeout=self._timeout)
        if fitting.depends_on_rows(run):
            fit = fitting.fitted(self.server, start, shown, run, rows=self._rows)
            if fit is not None:
                database.drop()
                start = self._held.enter_context(fit.database)
                database = self.server.clone(start)
                run = run_migration(database, shown, timeout=self._timeout)
                run = replace(run, notes=(*run.notes, fit.note))
        if not run.ok:
            database.drop()
            return Stage(self.server.clone(earlier.database), earlier.snapshot, run, start)
        with database.connect() as connection:
            return Stage(database, read_snapshot(connection), run, start)

    def _shown(self, migration: Migration) -> Migration:
        """The migration with its path as messages show it."""
        if not migration.path.is_relative_to(self._root):
            return migration
        return replace(migration, path=migration.path.relative_to(self._root))
