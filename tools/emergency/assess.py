"""Everything that has to be known before a migration is taken back from a target. It only reads.

What ran; what builds on it; whether the schema is still the one that the rollback was proven for; what was written
since and what goes; whether the rollback works today, proven again in the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ...errors import AgentdbError, DatabaseError, RefusedError, RollbackError, SandboxError
from .. import files
from ..databases.dsn import Dsn
from ..databases.postgres import target_identity
from ..files import Layout
from ..ledger import history, remembered, seen
from ..ledger import plan as plans
from ..ledger import status as statuses
from ..ledger.history import HistoryRow
from ..ledger.plan import Plan, Policy
from ..ledger.remembered import Proven
from ..records import CertificateClass, Migration
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.parse import parse
from . import partial
from . import ran as runs
from . import since as rows_since
from .dependents import dependents
from .facts import Assessment, Dependent, Moved, Part, Proof, Ran, Standing, Work
from .reprove import Reproof, reprove
from .state import Sandbox, moved

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.server import SandboxServer


@dataclass
class Question:
    """What is asked: which migrations, on which target. conn: an idle read-only session on it.

    heads: the class that each rollback script states in its head, by label. sandbox: opens the sandbox server; None
    asks without one. quick: do not prove again what holds by its hashes. rows: synthetic rows a table.
    """

    layout: Layout
    conn: Connection
    dsn: Dsn
    chosen: Sequence[Migration]
    target: str
    environment: str
    policy: Policy
    heads: Mapping[str, str] = field(default_factory=dict)
    sandbox: Sandbox | None = None
    quick: bool = False
    rows: int = 12
    say: Callable[[str], None] = lambda text: None


def assess(question: Question) -> Assessment:
    """The assessment. Errors: DatabaseError when the target cannot be read; UsageError for the files."""
    with ExitStack() as held:
        return _Work(question, held).all()


class _Work:
    def __init__(self, question: Question, held: ExitStack) -> None:
        self.q, self.held, self.conn = question, held, question.conn
        self.rows = history.runs(self.conn)
        self.today: Snapshot = read_snapshot(self.conn)
        self.notes: list[str] = []
        self.written: list[str] = []
        self.standing: dict[str, Standing] = {}
        self.unmeasured: tuple[Work, ...] = ()

    @cached_property
    def server(self) -> SandboxServer:
        """The sandbox, opened when first needed. Errors: SandboxError."""
        assert self.q.sandbox is not None
        self.q.say("starting the sandbox")
        return self.held.enter_context(self.q.sandbox())

    def all(self) -> Assessment:
        chosen = sorted(self.q.chosen, key=lambda m: m.number, reverse=True)
        self.standing = {m.label: runs.standing_of(self.conn, self.rows, m) for m in chosen}
        told = statuses.status(self.q.layout, self.conn).migrations
        every = tuple(self._ran(m, told) for m in chosen)
        there = [m for m in chosen if self.standing[m.label] in (Standing.APPLIED, Standing.HALF)]
        identity = target_identity(self.conn)
        self.made = Assessment(
            target=self.q.target,
            environment=self.q.environment,
            database=identity["database"],
            system_identifier=identity["system_identifier"],
            labels=tuple(m.label for m in there),
            ran=every,
            moved=Moved(None, None, "", ""),
        )
        refusal = self._refused_at_once(chosen, there)
        if refusal or not there:
            return replace(self.made, refusal=refusal, notes=tuple(self.notes))
        for label, standing in self.standing.items():
            if standing in (Standing.BACK, Standing.NOTHING):
                self.notes.append(f"{label}: {_nothing(standing)}, so it is left out")
        return self._looked_into(there)

    def _ran(self, migration: Migration, told: Sequence[statuses.MigrationStatus]) -> Ran:
        row = runs.row_of(self.rows, migration)
        changed = runs.changed_files(row, migration) if row else []
        undone = None
        if self.standing[migration.label] is Standing.BACK and row:
            undone = next((r for r in self.rows if r.undoes == row.id and r.status == "rolled_back"), None)
        return runs.ran(row, migration, self.standing[migration.label], told, changed if undone is None else [], undone)

    def _refused_at_once(self, chosen: Sequence[Migration], there: Sequence[Migration]) -> AgentdbError | None:
        for migration in chosen:
            if self.standing[migration.label] is Standing.LIVE:
                return RefusedError(
                    f"{migration.label} is under way in a session that is at work",
                    reason="locked",
                    hint="Wait for it, or cancel it; `agentdb status` and `agentdb triage` show its session.",
                )
            if self.standing[migration.label] is Standing.PENDING:
                return RefusedError(
                    f"{migration.label} is not applied here",
                    reason="not-applied",
                    hint="`agentdb status` shows what is.",
                )
        return None

    def _looked_into(self, there: Sequence[Migration]) -> Assessment:
        found = {m.label: runs.row_of(self.rows, m) for m in there}
        taken = {label: row for label, row in found.items() if row is not None}
        later = self._later(taken)
        needed = self._dependents(there, taken, later)
        staying = [r for r in later if r.label not in {d.label for d in needed}]
        newest = max(taken.values(), key=lambda r: r.id)
        server = (lambda: self.server) if self.q.sandbox else None
        state = moved(self.conn, self.q.layout.state_dir, self.rows, newest, staying, self.today, server)
        made = replace(self.made, moved=state, dependents=needed)
        if needed:
            return replace(made, refusal=self._together(there, needed), notes=tuple(self.notes))
        try:
            parts = tuple(self._part(m, taken[m.label]) for m in there)
        except (RefusedError, RollbackError, SandboxError) as error:
            return replace(made, refusal=error, notes=tuple(self.notes), files=tuple(self.written))
        counter = rows_since.Counter(self.conn)
        gone, unread = rows_since.goes(counter, parts, self.today)
        made = replace(
            made,
            goes=gone,
            since=rows_since.since(counter, parts, gone, self.today),
            preimages=rows_since.preimages(self.conn, parts),
        )
        self.notes += unread
        return self._proven(made, parts, taken)

    def _later(self, taken: Mapping[str, HistoryRow]) -> list[HistoryRow]:
        """Attempts that are applied, or half, were begun after the first of those to be taken back, and are none of
        them; oldest first."""
        first = min(r.id for r in taken.values())
        own = {r.id for r in taken.values()}
        there = (r for r in self.rows if r.kind == "apply" and (r.status == "applied" or r.left_something))
        return [r for r in there if r.id > first and r.id not in own]

    def _dependents(
        self, there: Sequence[Migration], taken: Mapping[str, HistoryRow], later: Sequence[HistoryRow]
    ) -> tuple[Dependent, ...]:
        leaving = [runs.as_it_ran(self.conn, taken[m.label], m) for m in reversed(there)]
        return dependents(leaving, [self._of_ledger(r) for r in later], self.today)

    def _of_ledger(self, row: HistoryRow) -> Migration:
        """A migration as the ledger has it, with its own headers."""
        from pathlib import Path

        sql = history.sql_of(self.conn, row)
        path = Path(f"ledger/{row.label}.sql")
        return Migration(row.version, row.name, path, sql, row.checksum, files.headers_of(sql), "applied")

    def _together(self, there: Sequence[Migration], needed: Sequence[Dependent]) -> RefusedError:
        numbers = {m.number: m.version for m in there}
        numbers |= {int(d.label.split("_", 1)[0]): d.label.split("_", 1)[0] for d in needed}
        versions = " ".join(numbers[n] for n in sorted(numbers, reverse=True))
        names = ", ".join(d.label for d in needed)
        verb = "builds" if len(needed) == 1 else "build"
        on = ", ".join(dict.fromkeys(d.on for d in needed if d.on in {m.label for m in there}))
        return RefusedError(
            f"{names} {verb} on {on or there[0].label} and must be taken back with it, newest first",
            reason="dependents",
            hint=f"All of them: agentdb rollback {versions} --target {self.q.target}",
        )

    def _part(self, migration: Migration, row: HistoryRow) -> Part:
        """The migration with the scripts that would run. Errors: RefusedError, RollbackError, SandboxError."""
        half = self.standing[migration.label] is Standing.HALF
        whole = files.read_text(migration.rollback_path) if migration.rollback_path else ""
        if not whole:
            raise RefusedError(
                f"{migration.label} has no rollback script",
                reason="no-rollback",
                where=str(migration.path),
                hint=f"Draft one, review it, then come back: agentdb rollback draft {migration.path.name} --replay",
            )
        texts = plans.texts_of(migration)
        ran = runs.as_it_ran(self.conn, row, migration)
        if not half:
            return Part(ran, row, whole, texts.capture, changed=tuple(runs.changed_files(row, migration)))
        return self._half(migration, ran, row, whole, texts.capture)

    def _half(self, migration: Migration, ran: Migration, row: HistoryRow, whole: str, capture: str) -> Part:
        """What fits a half-applied migration: the rollback as it stands, or the part of it that does."""
        from ..ledger.scripts import read

        found, text = runs.under_way(self.conn, row)
        if found is not None and found.outcome is seen.Outcome.UNCLEAR:
            raise RollbackError(
                f"nobody can say what state {row.label} is in: {found.line}",
                hint=RECOVERY.format(label=row.label, what="Look whether that statement took effect."),
            )
        effective = runs.in_effect(row, found)
        steps = read(ran.sql, where=row.label, no_transaction=True).steps[:effective]
        done = "".join(f"{s.statement.text.rstrip().rstrip(';')};\n" for s in steps)
        finish = text if found is not None and found.outcome is seen.Outcome.HALF else ""
        part = Part(
            replace(
                ran,
                sql="-- agentdb: no-transaction\n" + (done or "SELECT 1;\n"),
                headers={"agentdb": ("no-transaction",)},
            ),
            row,
            whole,
            capture if row.captured else "",
            half=True,
            finish=finish,
            changed=tuple(runs.changed_files(row, migration)),
        )
        if self._half_back(row):
            return part
        if self.q.sandbox is None:
            raise RollbackError(f"{row.label} is half applied, and without a sandbox nothing can be proven of it")
        self.q.say(f"{row.label}: which part of its rollback fits")
        fit = partial.fitted(self.server, self.q.dsn, part, row.statements_done)
        if fit.problem:
            raise RollbackError(
                f"no way back of the half of {row.label} that is there can be proven: {fit.problem}",
                hint=RECOVERY.format(label=row.label, what="Or finish it: agentdb apply --resume."),
            )
        path = self.q.layout.rollback / partial.name_of(part)
        if fit.whole:
            path.unlink(missing_ok=True)
            return part
        files.write_whole(path, fit.text)
        self.written.append(str(path.relative_to(self.q.layout.root)))
        count = len(fit.left_out)
        self.notes.append(
            f"{row.label} stopped after statement {row.statements_done} of {row.statement_count}: {count} statement"
            f"{'' if count == 1 else 's'} of its rollback would find nothing and {'is' if count == 1 else 'are'} left out"
        )
        return replace(part, down=fit.text)

    def _half_back(self, row: HistoryRow) -> bool:
        """Whether its rollback itself stopped half way, so that the rest of it has to run as it is."""
        return any(r.kind == "rollback" and r.left_something and r.number == row.number for r in self.rows)

    # -- the proof

    def _proven(self, made: Assessment, parts: Sequence[Part], taken: Mapping[str, HistoryRow]) -> Assessment:
        from .proofs import Standings, proofs_of

        self.unmeasured = tuple(
            Work(p.migration.label, " ".join(s.statement.text.split()), ())
            for p in parts
            for s in parse(p.down).statements
        )
        bare = self._plan(parts)
        if isinstance(bare, AgentdbError):
            return replace(made, refusal=bare, notes=tuple(self.notes), files=tuple(self.written))
        before = Standings(self.conn, self.q.heads, made.moved)
        known = proofs_of(before, parts)
        must = any(p.stale for p in known)
        if any(self._half_back(p.row) for p in parts):
            self.notes.append("a rollback here stands half way: what is left of it runs as it was written")
            return self._planned(made, bare, known, None)
        if not must and self.q.quick:
            self.notes.append("nothing was run in the sandbox: scripts and schema are those of the certificate")
            return self._planned(made, bare, known, None)
        found = self._reproved(parts)
        if isinstance(found, AgentdbError) or found.problem:
            why = found.what if isinstance(found, AgentdbError) else found.problem
            if must:
                return replace(made, proofs=known, refusal=_unprovable(why, parts), notes=tuple(self.notes))
            self.notes.append(f"not run in the sandbox ({why}); scripts and schema are those of the certificate")
            return self._planned(made, bare, known, None)
        proofs = tuple(_proof(p, found, k) for p, k in zip(parts, known, strict=True))
        return self._planned(made, bare, proofs, found)

    def _reproved(self, parts: Sequence[Part]) -> Reproof | AgentdbError:
        if self.q.sandbox is None:
            return SandboxError("there is no sandbox")
        try:
            return reprove(self.server, self.q.dsn, parts, self.today, rows=self.q.rows, say=self.q.say)
        except (SandboxError, DatabaseError) as error:
            return error

    def _plan(self, parts: Sequence[Part]) -> Plan | AgentdbError:
        """What an approval would be about, without what the proof says."""
        chosen = [plans.find(self.q.layout, p.migration.label) for p in parts]
        try:
            return plans.build_plan(
                self.q.layout,
                chosen,
                self.conn,
                environment=self.q.environment,
                policy=self.q.policy,
                kind="rollback",
            )
        except AgentdbError as error:
            return error

    def _planned(self, made: Assessment, bare: Plan, proofs: Sequence[Proof], found: Reproof | None) -> Assessment:
        """The assessment with its plan, or with the refusal that the proof demands."""
        refusal: AgentdbError | None = None
        for proof in proofs:
            if proof.klass == CertificateClass.IMPOSSIBLE.value and refusal is None:
                refusal = _impossible(proof, made)
        plan = None
        if refusal is None:
            earlier = remembered.proof(self.q.layout.state_dir, bare)
            if found or earlier is None:
                expected = found.expected_fingerprint if found else ""
                earlier = Proven({p.label: p.word for p in proofs}, expected)
                remembered.keep_proof(self.q.layout.state_dir, bare, earlier)
            plan = remembered.with_proof(bare, earlier)
        if found:
            self.notes += found.notes
            self.notes += [f"today, and not what the migrations make: {line}" for line in found.other]
        return replace(
            made,
            proofs=tuple(replace(p, scripts=self._scripts(p.label)) for p in proofs),
            along=tuple(found.along) if found else (),
            work=tuple(found.work) if found else self.unmeasured,
            times=tuple(found.times) if found else (),
            notes=tuple(dict.fromkeys(self.notes)),
            files=tuple(self.written),
            refusal=refusal,
            plan=plan,
        )

    def _scripts(self, label: str) -> tuple[str, ...]:
        path = plans.way_back(plans.find(self.q.layout, label))
        return (str(path.relative_to(self.q.layout.root)),) if path else ()


RECOVERY = (
    "Nothing was changed. `agentdb status` shows what of {label} is there, statement by statement. {what}"
    " Or write the way back of what is there by hand, as migrations/rollback/{label}.sql, and come back: it is proven"
    " here before it may run."
)


def _proof(part: Part, found: Reproof, was: Proof) -> Proof:
    label = part.migration.label
    certificate = found.certificates.get(label)
    if certificate is None:
        return replace(
            was, klass="SCHEMA_ONLY", proven=False, reason="the proof did not come to it", basis="not proven"
        )
    return Proof(
        label,
        certificate.klass.value,
        certificate.proven,
        certificate.reason,
        "proven now on today's schema",
        was.stale,
        was.was,
        certificate,
    )


def _impossible(proof: Proof, made: Assessment) -> AgentdbError:
    if made.moved.later and not made.moved.by_hand:
        hint = f"Later migrations stay: {', '.join(made.moved.later)}. Name them too to take all of them back."
    elif made.moved.by_hand:
        hint = "Somebody changed the schema by hand, see the differences: undo that first, or mend the rollback script."
    else:
        hint = "Mend the rollback script, then come back: `agentdb rollback check` proves it."
    return RollbackError(f"{proof.label}: {proof.reason}", hint=hint)


def _unprovable(why: str, parts: Sequence[Part]) -> AgentdbError:
    versions = " ".join(p.migration.version for p in parts)
    return SandboxError(
        f"whether the rollback still works on today's schema is not known: {why}",
        hint=f"Give the sandbox what it lacks. At your own risk: agentdb approve --rollback {versions}, agentdb rollback run.",
    )


def _nothing(standing: Standing) -> str:
    if standing is Standing.BACK:
        return "it was taken back already"
    return "it was interrupted, and its transaction took everything back"
