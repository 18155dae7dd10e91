"""A rewrite tried beside its original: on two copies of one state, with the same rows in it.

Proven is a rewrite that runs to its end, leaves the same schema and the same rows, and blocks less (measure.py). Where
the original cannot run as its runner would carry it (CONCURRENTLY inside a transaction, a new enum value used at once),
its statements one by one are what the rewrite is compared with, and it has to block no more than they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from .. import naming
from ..ledger.scripts import read as read_as_the_ledger
from ..records import Migration
from ..sandbox.fitting import depends_on_rows, fitted
from ..sandbox.run import run_migration, run_script
from ..sandbox.runs import SandboxRun
from ..sql.parse import parse
from ..sql.quote import qualified
from . import measure
from .arrange import steers
from .compare import State, compare, state_of
from .files import Draft
from .measure import Blocked

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

ROWS = 12  # synthetic rows of a table
MORE = 10_000  # of a table that is written in batches: several batches, also where few of the rows are written
MOST = 60_000
TRIES = 4  # of a run in which it could not be seen what a statement blocks, as on a busy machine


@dataclass(frozen=True, slots=True)
class Original:
    """What a rewrite stands in for. no_transaction: its runner wraps no transaction around it. splits: the runner is
    `agentdb apply`, which takes a file that has only statements outside of transactions as such."""

    sql: str
    path: Path
    no_transaction: bool
    splits: bool = False

    def cannot_run(self) -> str:
        """Why its runner cannot carry it, whatever the rows and the schema, in one line; "" when it can."""
        script = parse(self.sql)
        if self.splits:
            try:
                read_as_the_ledger(self.sql, where=self.path.name, no_transaction=self.no_transaction)
            except AgentdbError as error:
                return error.what
            return ""
        inside = not self.no_transaction
        for parsed in script.statements:
            kind = steers(parsed)
            if kind in ("BEGIN", "START", "COMMIT"):
                if not self.no_transaction:
                    return f"its {kind} meets the transaction that the runner opened"
                if inside and kind != "COMMIT":
                    return f"its {kind} in line {parsed.statement.span.line} meets a transaction that is open"
                inside = kind != "COMMIT"
            elif inside and parsed.statement.transactional is False:
                return f"{parsed.statement.kind} in line {parsed.statement.span.line} cannot run inside a transaction"
        return "the transaction that it begins is never committed" if inside and self.no_transaction else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rewrite holds. reason: why not, or what was shown, in one line. exceptions: differences from the
    original that a reader must know of ("column total is now last"). steps: how the statements ran."""

    proven: bool
    reason: str
    exceptions: tuple[str, ...] = ()
    before: Blocked | None = None
    after: Blocked | None = None
    notes: tuple[str, ...] = ()
    server: str = ""
    runs: tuple[SandboxRun, ...] = field(default=(), repr=False)


class Ground:
    """The state before a file, with rows that the file accepts; what the original does is measured once and kept.

    database: the state before, with rows in it. between: pending migrations that run after the original and before
    any file that a rewrite adds. more: tables (as SQL) that the rewrite changes in batches, which get many rows.
    """

    def __init__(
        self,
        server: SandboxServer,
        database: SandboxDatabase,
        original: Original,
        *,
        between: Sequence[Migration] = (),
        timeout: float = 60.0,
    ) -> None:
        self.server, self.base, self.original = server, database, original
        self.between, self.timeout = tuple(between), timeout
        self.notes: list[str] = []
        self.emptied: tuple[str, ...] = ()
        self.failure = original.cannot_run()
        self.alone = original.no_transaction or bool(self.failure)
        self._more: frozenset[str] = frozenset()
        self._titles: dict[str, str] = {}
        self._measured: dict[bool, tuple[SandboxRun, State]] = {}
        self._made: list[SandboxDatabase] = []
        self._done: SandboxDatabase | None = None

    def close(self) -> None:
        """Drop every database that was made here."""
        for database in (*self._made, *([self._done] if self._done else [])):
            database.drop()

    def with_rows(self, tables: Sequence[str]) -> None:
        """Give these tables many rows, so that a batch is not the whole of them; more still, where the original
        changes only few of its rows."""
        wanted = frozenset(tables) - self._more
        if not wanted:
            return
        self.measured()  # over rows that the original accepts, of which more are made now
        few_rows = self.base
        self._grow(wanted, MORE)
        if not self.measured()[0].ok:
            self.base, self._measured = few_rows, {}
            self.notes.append(f"the original does not accept many rows in {', '.join(sorted(wanted))}; tried over few")
            return
        changed = measure.changed(self.measured()[0])
        if few := [n for n in (changed.get(self._titles.get(t, t), 0) for t in wanted) if 0 < n <= measure.MANY]:
            self._grow(wanted, min(MOST, MORE * (2 + 2 * measure.MANY // min(few))))

    def _grow(self, wanted: frozenset[str], rows: int) -> None:
        from ..sandbox.swell import swell

        copy = self.server.clone(self.base)
        self._made.append(copy)
        with copy.connect() as connection:
            self._titles |= {t: self._title(connection, t) for t in wanted}
            grown = swell(connection, rows, tables={self._titles[t] for t in wanted})
        for title in sorted(self._titles[t] for t in wanted):
            if grown.rows.get(title, 0) <= measure.MANY:
                why = grown.skipped.get(title, "")
                self.notes.append(f"{title} could not be given many rows{f' ({why})' if why else ''}")
        self.base, self._more, self._measured = copy, self._more | wanted, {}

    @staticmethod
    def _title(connection: object, table: str) -> str:
        row = connection.execute(  # type: ignore[attr-defined]
            "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(%s)",
            (table,),
        ).fetchone()
        return qualified(*row) if row else table

    def measured(self, *, follow: bool = False) -> tuple[SandboxRun, State]:
        """How the original ran, and the state that it left; over rows that it accepts, where such were found.

        follow: the state after the migrations that come between it and the files of a rewrite.
        """
        if not self._measured:
            self._measured[False] = self._measure()
        run, _ = self._measured[False]
        if follow and self.between and run.ok and True not in self._measured:
            assert self._done is not None
            self._follow(self._done)
            self._measured[True] = run, _state(self._done)
        return self._measured.get(follow, self._measured[False])

    def _measure(self) -> tuple[SandboxRun, State]:
        run = self._run_original()
        if not run.ok and depends_on_rows(run):
            fit = fitted(self.server, self.base, self._migration(), run, rows=ROWS)
            if fit is not None:
                self._made.append(fit.database)
                self.base, self.emptied = fit.database, fit.emptied
                self.notes.append(fit.note)
                run = self._run_original()
        if not run.ok and not self.alone and not depends_on_rows(run):
            self.failure, self.alone = run.error, True
            again = self._run_original()
            run = again if again.ok else run
        assert self._done is not None
        return run, _state(self._done)

    def again(self, *, follow: bool) -> State:
        """The state that another run of the original leaves: what differs from the first is not its doing."""
        self._run_original()
        assert self._done is not None
        if follow:
            _then(self._done, self.between, self.timeout)
        return _state(self._done)

    def without_rows(self, writes: Sequence[str]) -> str:
        """The first of these tables that had to stay empty, "" for none."""
        return next((t for w in writes if (t := self._titles.get(w, w)) in self.emptied), "")

    def _follow(self, copy: SandboxDatabase) -> None:
        """Run what comes after the original; what fails there is left out from now on."""
        kept = []
        for migration in self.between:
            if run_migration(copy, migration, trace=False, timeout=self.timeout).ok:
                kept.append(migration)
            else:
                self.notes.append(
                    f"{migration.label}, which comes after it, does not run over these rows; it was left out"
                )
        self.between = tuple(kept)

    def _migration(self) -> Migration:
        sql = self.original.sql
        headers = {"agentdb": ("no-transaction",)} if self.alone else {}
        return Migration("0", "original", self.original.path, sql, naming.checksum(sql), headers)

    def _run_original(self) -> SandboxRun:
        """How the original runs on a copy of the base, which stays in `_done`."""
        if self._done is not None:
            self._done.drop()
        self._done = self.server.clone(self.base)
        return run_script(
            self._done,
            self.original.sql,
            path=self.original.path.name,
            no_transaction=self.alone,
            timeout=self.timeout,
        )


def _state(database: SandboxDatabase) -> State:
    with database.connect() as connection:
        return state_of(connection)


def _then(database: SandboxDatabase, migrations: Sequence[Migration], timeout: float) -> str:
    """ "" when all of the migrations run, else what the first says that does not."""
    for migration in migrations:
        later = run_migration(database, migration, trace=False, timeout=timeout)
        if not later.ok:
            return f"{migration.label}, which comes after it, then fails: {later.error}"
    return ""


def prove(ground: Ground, files: Sequence[Draft], writes: Sequence[str] = ()) -> Verdict:
    """The verdict on a rewrite. writes: tables (as SQL) whose rows it changes in batches."""
    for draft in files:
        try:
            read_as_the_ledger(draft.text, where=draft.path.name, no_transaction=draft.no_transaction)
        except AgentdbError as error:
            return Verdict(False, f"agentdb apply would not take it: {error.what}")
    if writes:
        ground.with_rows(writes)
    follow = len(files) > 1
    run, wanted = ground.measured(follow=follow)
    if not run.ok:
        why = f"the original does not run, so there is nothing to compare with: {ground.failure or run.error}"
        return Verdict(False, why, notes=tuple(ground.notes))
    for _ in range(TRIES):
        verdict = _tried(ground, files, writes, run, wanted)
        if not (verdict.after and verdict.after.unknown):
            break
    return verdict


def _tried(ground: Ground, files: Sequence[Draft], writes: Sequence[str], run: SandboxRun, wanted: State) -> Verdict:
    """The verdict of one run of the rewrite."""
    runs: list[SandboxRun] = []
    held: tuple[measure.Held, ...] = ()
    with ground.server.clone(ground.base) as copy:
        if writes:
            with copy.connect() as connection:
                measure.watch(connection, [ground._title(connection, t) for t in writes])
        for number, draft in enumerate(files):
            done = run_script(
                copy, draft.text, path=draft.path.name, no_transaction=draft.no_transaction, timeout=ground.timeout
            )
            runs.append(done)
            if not done.ok:
                return Verdict(False, f"the rewrite fails: {done.error}", notes=tuple(ground.notes), runs=tuple(runs))
            if number == 0 and len(files) > 1 and (failed := _then(copy, ground.between, ground.timeout)):
                return Verdict(False, failed, notes=tuple(ground.notes), runs=tuple(runs))
        with copy.connect() as connection:
            held = measure.seen(connection) if writes else ()
            got = state_of(connection)
    before, now = measure.blocked([run]), measure.blocked(runs, held, new=_made(files, wanted))
    found = compare(wanted, got, lambda: ground.again(follow=len(files) > 1))
    verdict = Verdict(False, "", found.exceptions, before, now, tuple(ground.notes), run.server, tuple(runs))
    if found.differences:
        return replace(verdict, reason=f"it does not leave the same: {'; '.join(found.differences[:3])}")
    if blank := ground.without_rows(writes):
        why = f"it writes rows of {blank}, and none could be made that the original accepts"
        return replace(verdict, reason=why)
    if ground.emptied:
        told = f"{', '.join(ground.emptied)} had no rows, since none could be made that the original accepts"
        verdict = replace(verdict, exceptions=(*verdict.exceptions, told))
    if now.unknown:
        return replace(verdict, reason=f"what {now.unknown[0]} blocks could not be seen")
    return _weighed(verdict, before, now, ground.failure)


def _made(files: Sequence[Draft], wanted: State) -> frozenset[str]:
    """The tables that the files make, as SQL: in the original's one transaction nobody could see them yet."""
    found = set()
    statements = [p for draft in files for p in parse(draft.text).statements]
    dropped = {n for p in statements for n in p.statement.drops}
    for parsed in statements:
        makes = parsed.node_name in ("create_stmt", "create_table_as_stmt") and not parsed.node.if_not_exists
        if makes and not dropped.intersection(parsed.statement.creates):
            schema, _, name = parsed.statement.creates[0].rpartition(".")
            homes = [schema] if schema else [t.schema for t in wanted.columns if t.name == name]
            found |= {qualified(home, name) for home in homes}
    return frozenset(found)


def _weighed(verdict: Verdict, before: Blocked, now: Blocked, failure: str) -> Verdict:
    if failure:
        if now.no_worse_than(before):
            return replace(
                verdict, proven=True, reason="it runs where the original fails, and leaves what that meant to"
            )
        return replace(verdict, reason=f"it blocks more: {_pairs(now.long - before.long)}")
    if now.better_than(before):
        gone = before.long - now.long or before.brief - now.brief
        return replace(verdict, proven=True, reason=f"same schema and rows; no longer blocked: {_pairs(gone)}")
    if more := now.long - before.long:
        return replace(verdict, reason=f"it blocks what the original does not: {_pairs(more)}")
    if not before.long:
        return replace(verdict, reason=f"the original blocks nothing for long here ({verdict.server})")
    return replace(verdict, reason=f"it blocks no less than the original: {_pairs(now.long)}")


def _pairs(pairs: frozenset[measure.Pair]) -> str:
    by: dict[str, list[str]] = {}
    for operation, relation in sorted(pairs):
        by.setdefault(relation, []).append(operation)
    return "; ".join(f"{', '.join(ops)} on {relation}" for relation, ops in by.items())
