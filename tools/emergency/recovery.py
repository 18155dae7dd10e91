"""The recovery plan of a release: before it goes out, what taking each of its migrations back would take and cost.

Made by running everything in the sandbox. No clock, no live number and no model is in it: the same files, settings
and schema give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..conflicts.touches import touched
from ..databases.dsn import Dsn
from ..ledger import plan as plans
from ..records import CertificateClass, Loss, Migration
from ..rollback.proof import prove
from ..rollback.study import is_transactional
from ..sandbox import before, fitting
from ..sandbox.rehearsal import run_earlier
from ..sandbox.run import run_migration, run_script
from ..sandbox.seed import seed
from ..schema.model import ObjectId, Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.parse import parse
from .dependents import names_of
from .facts import Work
from .reprove import Say, plan_headers, silent, work_of
from .since import dropped

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

NONE = "no script"


@dataclass(frozen=True, slots=True)
class Step:
    """One migration of the release, in the order in which they are applied.

    klass: the certificate's class, "no script" without a rollback, "UNKNOWN" when nothing could be run. goes: tables and
    columns that its rollback drops, with whatever was written to them since. locks, heavy: of its rollback, None when
    it was not run.
    """

    label: str
    sha256: str
    rollback_sha256: str
    klass: str
    proven: bool
    reason: str
    losses: tuple[Loss, ...] = ()
    goes: tuple[str, ...] = ()
    keeps_rows: bool = False
    transactional: bool = True
    work: tuple[Work, ...] = ()
    locks: tuple[str, ...] | None = None
    heavy: tuple[str, ...] | None = None

    @property
    def version(self) -> str:
        return self.label.split("_", 1)[0]

    @property
    def word(self) -> str:
        return f"{self.klass}{'' if self.proven or self.klass in (NONE, 'UNKNOWN') else ' (not proven)'}"

    @property
    def time(self) -> str:
        """How long its rollback works, as far as that can be said before it runs."""
        if self.heavy is None:
            return "UNKNOWN"
        if self.heavy:
            return f"UNKNOWN, grows with the rows: {'; '.join(self.heavy)}"
        return "short: it rewrites and reads no table that was there"

    @property
    def no_way_back(self) -> str:
        """Why there is no whole way back once it is applied, "" when there is one."""
        if self.klass == NONE:
            return "it has no rollback script"
        if self.klass in ("IMPOSSIBLE", "LOSSY") or not self.proven:
            return f"{self.word}: {self.reason}" if self.reason else self.word
        return ""

    @property
    def cost(self) -> str:
        """What going back over it costs once it is applied and was written to, "" for nothing."""
        if self.no_way_back:
            return self.no_way_back
        parts = [f"what was written to {', '.join(self.goes)} since is lost"] if self.goes else []
        if self.klass == "SCHEMA_ONLY":
            parts.append(self.reason)
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The plan. target: name, "" for none; source: the schema it starts from, in words. approvers: who may approve,
    none when there is no list; approval: whether one is needed there."""

    release: str
    target: str
    environment: str
    source: str
    steps: tuple[Step, ...]
    approvers: tuple[str, ...]
    approval: bool
    ttl_minutes: int
    notes: tuple[str, ...] = ()

    @property
    def point_of_no_return(self) -> tuple[int, str] | None:
        """(number of the step from 1, why): the first one over which going back costs something; None for none."""
        return next(((n, s.cost) for n, s in enumerate(self.steps, 1) if s.cost), None)

    @property
    def dead_end(self) -> tuple[int, str] | None:
        """(number, why): the first one that has no whole way back at all."""
        return next(((n, s.no_way_back) for n, s in enumerate(self.steps, 1) if s.no_way_back), None)

    def command(self, number: int) -> str:
        """What takes everything back once `number` steps are applied."""
        versions = " ".join(s.version for s in reversed(self.steps[:number]))
        return f"agentdb rollback {versions} --target {self.target or 'NAME'}"


def measure(
    server: SandboxServer,
    migrations: Sequence[Migration],
    *,
    target: Dsn | None = None,
    replayed: Sequence[Migration] = (),
    earlier: Sequence[Migration] = (),
    rows: int = 12,
    say: Say = silent,
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps of `migrations`, in order, and notes. The state before is the target's schema, or what `replayed`
    makes; then `earlier`. Errors: SandboxError, DatabaseError when that state cannot be made."""
    notes: list[str] = []
    steps: list[Step] = []
    with server.create() as base, ExitStack() as held:
        say("the state before")
        state = before.from_target(base, target) if target else before.from_migrations(base, replayed)
        notes += state.notes
        notes += [f"missing in the sandbox: {one}" for one in state.missing]
        run_earlier(base, earlier)
        if rows:
            with base.connect() as conn:
                seed(conn, rows=rows)
        database: SandboxDatabase | None = base
        for migration in migrations:
            say(f"the way back of {migration.label}")
            if database is None:
                steps.append(_unknown(migration, "an earlier migration does not run in the sandbox"))
                continue
            database = _fit(server, database, migration, rows, notes, held)
            step, runs = _step(server, database, migration)
            steps.append(step)
            if not runs:
                notes.append(f"{migration.label} does not run in the sandbox: {step.reason}")
                database = None
    return tuple(steps), tuple(dict.fromkeys(notes))


def _fit(
    server: SandboxServer,
    database: SandboxDatabase,
    migration: Migration,
    rows: int,
    notes: list[str],
    held: ExitStack,
) -> SandboxDatabase:
    """The database, or one with rows that the migration accepts."""
    with server.clone(database) as copy:
        run = run_migration(copy, migration, trace=False)
    if not fitting.depends_on_rows(run):
        return database
    fit = fitting.fitted(server, database, migration, run, rows=rows)
    if fit is None:
        return database
    notes.append(f"{migration.label}: {fit.note}")
    return held.enter_context(fit.database)


def _step(server: SandboxServer, database: SandboxDatabase, migration: Migration) -> tuple[Step, bool]:
    """The step, with the migration applied to the database afterwards; False when it does not run."""
    texts = plans.texts_of(migration)
    certificate = None
    if texts.rollback:
        together = is_transactional(migration, parse(migration.sql))
        certificate = prove(server, database, migration, texts.rollback, texts.capture, together=together)
    run = run_migration(database, migration, capture_sql=texts.capture, trace=False)
    if not run.ok:
        return _unknown(migration, run.error), False
    sums = plans.sums(texts)
    if certificate is None:
        return Step(migration.label, sums["sha256"], "", NONE, False, "it has no rollback script"), True
    with database.connect() as conn:
        after = read_snapshot(conn)
    work: tuple[Work, ...] | None = None
    alone = "no-transaction" in plan_headers(texts.rollback)
    if certificate.klass is not CertificateClass.IMPOSSIBLE:
        with server.clone(database) as copy:
            back = run_script(copy, texts.rollback, no_transaction=alone)
            work = tuple(work_of(migration.label, back)) if back.ok else None
    locks = tuple(dict.fromkeys(x for w in work for x in w.locks)) if work is not None else None
    heavy = tuple(dict.fromkeys(x for w in work for x in w.heavy)) if work is not None else None
    return (
        Step(
            migration.label,
            sums["sha256"],
            sums["rollback_sha256"],
            certificate.klass.value,
            certificate.proven,
            certificate.reason,
            certificate.losses,
            _goes(texts.rollback, after),
            bool(texts.capture),
            not alone,
            work or (),
            locks,
            heavy,
        ),
        True,
    )


def _unknown(migration: Migration, why: str) -> Step:
    sums = plans.sums(plans.texts_of(migration))
    return Step(migration.label, sums["sha256"], sums["rollback_sha256"], "UNKNOWN", False, why)


def _goes(down: str, after: Snapshot) -> tuple[str, ...]:
    """The tables and columns that a rollback drops, as they are called after the migration."""
    names = names_of(after)
    found: list[str] = []
    for touch in dropped(touched(down)):
        what, _, column = touch.key.part.partition(" ")
        for id in names.get((touch.key.space, touch.key.name), ()):
            if id.kind != "table" or what not in ("", "column"):
                continue
            if column and ObjectId("column", id.schema, id.name, column) not in after.objects:
                continue
            found.append(f"{id.schema}.{id.name}{'.' + column if column else ''}")
    whole = {f for f in found if f.count(".") == 1}
    return tuple(dict.fromkeys(f for f in found if f in whole or f.rsplit(".", 1)[0] not in whole))


def name_of(migrations: Sequence[Migration]) -> str:
    """What a release is called when nobody names it: "014", "012-014"."""
    first, last = migrations[0].version, migrations[-1].version
    return first if first == last else f"{first}-{last}"
