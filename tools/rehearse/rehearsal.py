"""A migration rehearsed under traffic, in several ways, and what to set because of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...errors import SandboxError
from ..durations import seconds as duration
from ..ledger.execute import Limits
from ..ledger.scripts import Work, work_of
from ..records import Migration
from ..sandbox import seed_catalog
from ..sandbox.fitting import depends_on_rows, fitted, foreseen
from ..sandbox.run import run_migration
from ..sandbox.runs import BLOCKED_BY, KEY_WRITES, WRITES, SandboxRun
from ..sandbox.swell import parents_of, root_of, swell
from .advice import Advice, advise, candidates, ceiling
from .traffic import Operation, operations
from .trial import Release, Trial, after, tried

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.seed_catalog import Catalog
    from ..sandbox.server import SandboxServer

SEEDS = 50  # rows of each table that the others are copied from
KINDS = ("table", "partitioned table", "materialized view")


@dataclass(frozen=True, slots=True)
class Wishes:
    """hold: seconds for which the reader holds its lock. goal: the longest wait of a SELECT that is fine, in seconds.
    sessions: of the traffic. rows: of each table that the migration locks. configured: how `agentdb apply` would carry the migration now."""

    hold: float = 4.0
    goal: float = 0.5
    sessions: int = 16
    rows: int = 10_000
    configured: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """tables: those that the migration locks, and that were there. plain: without lock_timeout. configured: as
    `agentdb apply` does it now. candidates: the others that were tried. operations: the traffic, in words.
    Without such tables nothing is tried and plain is None."""

    migration: Migration
    wishes: Wishes
    tables: tuple[str, ...]
    run: SandboxRun
    rows: dict[str, int]
    operations: tuple[str, ...] = ()
    plain: Trial | None = None
    configured: Trial | None = None
    candidates: tuple[Trial, ...] = ()
    advice: Advice | None = None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All that were tried, in their order."""
        return tuple(t for t in (self.plain, self.configured, *self.candidates) if t is not None)

    @property
    def recommended(self) -> Trial | None:
        """The trial whose settings are recommended."""
        if self.advice is None or self.advice.trial is None:
            return None
        return next((t for t in self.trials if t.name == self.advice.trial), None)


def rehearse(
    server: SandboxServer,
    database: SandboxDatabase,
    migration: Migration,
    wishes: Wishes = Wishes(),
    *,
    told: Callable[[str], None] = lambda _: None,
    release: Release | None = None,
) -> Rehearsed:
    """The migration rehearsed on copies of a database in the state before it, seeded; its tables grow to wishes.rows.

    told: hears what goes on. release: when the reader lets go (default: after wishes.hold seconds).
    Errors: MigrationFileError when agentdb would not carry the file, SandboxError when it does not run here.
    """
    work = work_of(migration)
    told("running the migration without traffic")
    with ExitStack() as held:
        run, after_it = _run(server, database, migration)
        if depends_on_rows(run) and (fit := fitted(server, database, migration, run, rows=SEEDS)) is not None:
            database = held.enter_context(fit.database)
            run, after_it = _run(server, database, migration)
        if not run.ok:
            raise SandboxError(
                f"the migration does not run in the sandbox: {run.error}", hint="Run `agentdb test` first."
            )
        tables = locked(run)
        made: tuple[Operation, ...] = ()
        rows = {}
        if tables:
            told("making rows")
            with database.connect() as connection:
                roots = [root_of(connection, title) for title in tables]
                swell(connection, wishes.rows, tables=(*roots, *parents_of(connection, roots)))
                ahead = foreseen(seed_catalog.read(connection), after_it)
                made = operations(connection, roots, ahead)
                rows = {o.table: _count(connection, o.table) for o in made}
        found = Rehearsed(migration, wishes, tables, run, rows, tuple(sorted({f"{o.kind} {o.table}" for o in made})))
        if not made:
            return found
        trying = _Trying(server, database, work, made, tables, wishes, release or after(wishes.hold), told)
        return trying.all(found)


def _run(server: SandboxServer, database: SandboxDatabase, migration: Migration) -> tuple[SandboxRun, Catalog]:
    """What the migration does in a copy, and what the tables ask of rows afterwards."""
    with server.clone(database) as copy:
        run = run_migration(copy, migration)
        with copy.connect() as connection:
            return run, seed_catalog.read(connection)


def locked(run: SandboxRun) -> tuple[str, ...]:
    """The relations that were there and that the migration locked so that readers or writers wait."""
    names: dict[str, None] = {}
    for statement in run.statements:
        for lock in (*statement.locks, *statement.held):
            keeps_out = {*WRITES, *KEY_WRITES} & set(BLOCKED_BY[lock.mode])
            if lock.existed_before and lock.kind in KINDS and keeps_out:
                names[lock.relation] = None
    return tuple(names)


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return int(row[0]) if row else 0


@dataclass(slots=True)
class _Trying:
    server: SandboxServer
    database: SandboxDatabase
    work: Work
    operations: Sequence[Operation]
    tables: tuple[str, ...]
    wishes: Wishes
    release: Release
    told: Callable[[str], None]

    def all(self, found: Rehearsed) -> Rehearsed:
        """Every way in turn: plain, as configured, and candidates until one does what is asked."""
        configured = self.wishes.configured
        plain = self.one("plain", replace(configured, lock_timeout="0", lock_attempts=1))
        now = self.one("as configured", configured)
        tries: list[Trial] = []
        limit = ceiling(plain, self.wishes.goal)
        for limits in candidates(plain, now, self.wishes.goal, configured, self.wishes.hold):
            tries.append(self.one(f"lock_timeout {limits.lock_timeout}", limits))
            if advise(plain, now, tries, self.wishes.goal, self.wishes.hold).met or tries[-1].held > limit:
                break  # a shorter lock_timeout does not shorten what the migration does under its lock
        advice = advise(plain, now, tries, self.wishes.goal, self.wishes.hold)
        return replace(found, plain=plain, configured=now, candidates=tuple(tries), advice=advice)

    def one(self, name: str, limits: Limits) -> Trial:
        """One way, on a copy of its own."""
        self.told(f"rehearsing: {name}")
        with self.server.clone(self.database) as copy:
            return tried(
                copy,
                self.work,
                self.operations,
                self.tables,
                name=name,
                limits=replace(limits, statement_timeout=_at_most(limits.statement_timeout, self.wishes.hold)),
                sessions=self.wishes.sessions,
                release=self.release,
                longest=max(self.wishes.hold * 4, 10.0),
            )


def _at_most(timeout: str, hold: float) -> str:
    """A statement_timeout that ends every statement within a minute of the reader's letting go."""
    most = hold + 60
    said = duration(timeout)
    return f"{most:.0f}s" if not said or said > most else timeout
