"""A rollback proven again in the sandbox, starting from the target's schema of today.

Today's schema is copied without rows, with the empty tables of agentdb_archive. The rollbacks run on it, newest first:
what is left is the state that the target would have. From there everything is proven with synthetic rows as any
rollback is: up, writes, down, compare, up again. What the migrations then do not make again, and is there today, was
made by somebody else and goes along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ..databases.dsn import Dsn
from ..ledger import prints
from ..records import Certificate, CertificateClass
from ..rollback.proof import prove
from ..rollback.study import is_transactional
from ..sandbox import before, fitting
from ..sandbox.run import run_migration, run_script
from ..sandbox.seed import seed
from ..sandbox.timing import timing
from ..schema.diff import diff, significant
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.parse import parse
from .facts import Part, Work
from .state import whole

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.runs import SandboxRun, StatementRun
    from ..sandbox.server import SandboxServer

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody listens to the progress."""


@dataclass(slots=True)
class Reproof:
    """What came of it. certificates: by label, oldest first. problem: "" or why the sandbox cannot tell.

    times: how long locks would be held on the target, in words, where the work grows with rows and can be measured.
    expected_fingerprint: what the target's schema should be afterwards, "" when the sandbox cannot say it in the
    target's words. along: what is there today, is not made by the migrations and goes; other: further differences
    between today's schema and the one that the migrations make again.
    """

    certificates: dict[str, Certificate] = field(default_factory=dict)
    work: list[Work] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    expected_fingerprint: str = ""
    left: Snapshot | None = None
    along: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""


def reprove(
    server: SandboxServer, target: Dsn, parts: Sequence[Part], today: Snapshot, *, rows: int = 12, say: Say = silent
) -> Reproof:
    """The way back of `parts`, in the order in which they are taken back, proven on the target's schema of today.

    today: the target's schema, as it was read. rows: synthetic rows a table. Only reads the target.
    Errors: SandboxError, DatabaseError.
    """
    found = Reproof()
    with server.create() as base, ExitStack() as held:
        say("copying the target's schema of today")
        state = before.from_target(base, target, archive=True)
        found.notes += state.notes
        if not state.complete:
            lacks = (*state.missing_extensions, *state.missing)
            found.problem = f"the sandbox cannot copy today's schema: {lacks[0]}"
            return found
        there = _finished(base, parts, today, found)
        if not _taken_back(base, parts, found, say):
            return found
        found.left = _snapshot(base)
        if _same(there, today):
            found.expected_fingerprint = prints.of(found.left).fingerprint
        else:
            found.notes.append("the sandbox prints today's schema in other words, so the end is not compared with it")
        with base.connect() as conn:
            conn.execute(b"DROP SCHEMA IF EXISTS agentdb_archive CASCADE")
            if rows:
                seed(conn, rows=rows)
        again = _proven(server, base, parts, rows, found, held, target, say)
        if again is not None:
            _compare(again, there, found)
    return found


def _finished(base: SandboxDatabase, parts: Sequence[Part], today: Snapshot, found: Reproof) -> Snapshot:
    """The copy, with what half a statement left on the target made whole; pg_dump leaves invalid indexes out."""
    for part in parts:
        if part.finish:
            run = run_script(base, part.finish, trace=False, no_transaction=True)
            if not run.ok:
                found.notes.append(f"the statement that was under way does not run in the sandbox: {run.error}")
    return _snapshot(base)


def _taken_back(base: SandboxDatabase, parts: Sequence[Part], found: Reproof, say: Say) -> bool:
    """The rollbacks run on today's schema; False when one fails, which is its certificate then."""
    for part in parts:
        say(f"{part.migration.label}: its rollback on today's schema")
        alone = "no-transaction" in plan_headers(part.down)
        run = run_script(base, part.down, no_transaction=alone)
        found.work += work_of(part.migration.label, run)
        if not run.ok:
            found.certificates[part.migration.label] = failed(part, f"the rollback fails today: {run.error}", run)
            return False
    return True


def _proven(
    server: SandboxServer,
    base: SandboxDatabase,
    parts: Sequence[Part],
    rows: int,
    found: Reproof,
    held: ExitStack,
    target: Dsn,
    say: Say,
) -> Snapshot | None:
    """Each proven from the state that the rollbacks leave, oldest first; the schema after all of them ran again."""
    database = base
    for part in reversed(parts):
        migration = part.migration
        say(f"{migration.label}: the proof")
        with server.clone(database) as copy:
            run = run_migration(copy, migration, trace=False)
        if fitting.depends_on_rows(run):
            fit = fitting.fitted(server, database, migration, run, rows=rows)
            if fit is not None:
                database = held.enter_context(fit.database)
                found.notes.append(fit.note)
        together = is_transactional(migration, parse(migration.sql))
        try:
            certificate = prove(server, database, migration, part.down, part.capture, together=together)
        except AgentdbError as error:
            found.problem = f"{migration.label} could not be proven: {error.what}"
            return None
        found.certificates[migration.label] = certificate
        if certificate.klass is CertificateClass.IMPOSSIBLE:
            return None
        run = run_migration(database, migration, capture_sql=part.capture, trace=False)
        if not run.ok:
            found.notes.append(f"{migration.label} does not run again on the state that is left: {run.error}")
            return None
        found.times += _times(server, database, part, found, target, say)
    return _snapshot(database)


def _times(
    server: SandboxServer, database: SandboxDatabase, part: Part, found: Reproof, target: Dsn, say: Say
) -> list[str]:
    """How long the rollback would hold its locks, by measured rates and the target's sizes. Not of one that puts rows
    back: the copies here are not of the size of those there."""
    heavy = [h for w in found.work if w.label == part.migration.label for h in w.heavy]
    if not heavy or any(h.startswith("writes rows") for h in heavy):
        return []
    say(f"{part.migration.label}: how long its rollback would take")
    alone = "no-transaction" in plan_headers(part.down)

    def carry(copy: SandboxDatabase) -> SandboxRun:
        return run_script(copy, part.down, trace=False, no_transaction=alone)

    try:
        with server.clone(database) as copy:
            run = run_script(copy, part.down, no_transaction=alone)
        made = timing(server, database, carry, run, target, alone=alone)
    except AgentdbError as error:
        found.notes.append(f"how long the rollback of {part.migration.label} takes was not measured: {error.what}")
        return []
    return [f"{part.migration.label}: {h.sentence}" for h in made.holds]


def _compare(again: Snapshot, there: Snapshot, found: Reproof) -> None:
    """What today's schema has, or has otherwise, than the one that the migrations make again."""
    for change in whole(significant(diff(again, there))):
        if change.kind == "added":
            found.along.append(change.line.replace(" added: ", ", ").removesuffix(" added"))
        else:
            found.other.append(change.line)


def failed(part: Part, reason: str, run: SandboxRun | None = None) -> Certificate:
    """The certificate of a rollback that does not even run."""
    from .. import naming

    steps = ({"step": "down", "ok": False, "detail": reason[:600], "ms": 0},)
    return Certificate(
        CertificateClass.IMPOSSIBLE,
        False,
        reason,
        naming.checksum(part.migration.sql),
        naming.checksum(part.down),
        naming.checksum(part.capture) if part.capture else "",
        steps=steps,
        server=run.server if run else "",
    )


def plan_headers(text: str) -> tuple[str, ...]:
    """What a script's `-- agentdb:` header says."""
    from .. import files

    return files.headers_of(text).get("agentdb", ())


def work_of(label: str, run: SandboxRun) -> list[Work]:
    """The statements of a rollback as they ran, with the locks that keep others waiting and the work that grows with rows."""
    told = []
    for did in run.statements:
        locks = tuple(
            dict.fromkeys(
                f"{lock.mode} on {lock.relation}"
                for lock in sorted(did.locks, key=lambda one: -one.rank)
                if lock.existed_before
                and lock.rank > 3
                and lock.kind in ("table", "partitioned table")
                and not lock.relation.startswith("agentdb_archive.")
            )
        )
        heavy = [f"rewrites {name}" for name in did.rewrites]
        heavy += [f"reads all of {name}" for name in did.scans if name not in did.rewrites]
        heavy += [f"builds {b.index or 'an index'} of {b.table}" for b in did.index_builds if b.existed_before]
        heavy += [f"writes rows of {name}" for name in _written(did)]
        own = tuple(h for h in heavy if "agentdb_archive." not in h)
        told.append(Work(label, " ".join(did.text.split()), locks, own))
    return told


def _written(did: StatementRun) -> list[str]:
    """The tables whose rows a statement writes: a copy without rows does not show how long that takes."""
    if did.kind not in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        return []
    changes = [name for p in parse(did.text).statements for name in p.statement.changes]
    return [name if "." in name else f"public.{name}" for name in changes]


def _same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots are of one schema, invalid indexes aside: those of `other` are whole in the copy or gone."""
    invalid = [o.id for o in other.of("index") if o.properties.get("invalid")]
    for id in invalid:
        one, other = (prints.without_index(s, id.schema, id.name) for s in (one, other))
    return prints.of(one).fingerprint == prints.of(other).fingerprint


def _snapshot(database: SandboxDatabase) -> Snapshot:
    with database.connect() as conn:
        return read_snapshot(conn)
