"""Whether a rollback keeps its word: the migration is run, its way back is run, and everything is compared.

up -> the rollback, in a transaction that is given up -> schema and rows compared -> up again in it -> compared;
then writes under the new schema -> the rollback for good -> the writes and the rows of before compared.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ...errors import AgentdbError, RollbackError
from ..records import Certificate, Loss, Migration
from ..schema.model import ObjectId, Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.parse import Script, parse
from . import identities, key_copies, rows, study, unseen, writes, written
from .draft import column_orders, key_marks, leftovers
from .findings import Findings, conclude
from .study import Study

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


def prove(
    server: SandboxServer,
    database: SandboxDatabase,
    migration: Migration,
    rollback_sql: str,
    capture_sql: str = "",
    *,
    together: bool = True,
    in_place: bool = False,
    touched: Sequence[ObjectId] | None = None,
    losses: Sequence[Loss] = (),
    limits: Sequence[str] = (),
    known: Study | None = None,
) -> Certificate:
    """The certificate of a rollback, whoever wrote it, for a migration over the rows that `database` holds.

    database: the state before the migration; a copy is used, unless in_place allows to change it. together: the
    capture runs in the migration's transaction. touched: tables whose rows the migration takes or changes, where that
    is known; else it is measured. losses: what is known to be lost beforehand. limits: what is known to happen to rows
    written since. known: a study of the same migration on the same database, which spares reading the schema twice.
    Errors: SandboxError, DatabaseError.
    """
    found = Findings()
    with ExitStack() as held:
        work = database if in_place else held.enter_context(server.clone(database))
        proof = _Proof(server, work, migration, rollback_sql, capture_sql, together, found)
        proof.known = known
        try:
            proof.run(touched)
        except RollbackError as error:
            found.failed = found.failed or str(error)
    found.since += limits
    return conclude(found, migration, rollback_sql, capture_sql, losses, server.version_text)


class _Proof:
    def __init__(
        self,
        server: SandboxServer,
        work: SandboxDatabase,
        migration: Migration,
        down: str,
        capture: str,
        together: bool,
        found: Findings,
    ) -> None:
        self.server, self.work, self.migration = server, work, migration
        self.capture, self.together, self.found = capture, together, found
        self.script: Script = parse(migration.sql)
        self.down_script: Script = parse(down)
        self.down = study.runnable(self.down_script)
        self.transactional = study.is_transactional(migration, self.script)
        self.known: Study | None = None
        self.reached: set[ObjectId] = set()

    def run(self, touched: Sequence[ObjectId] | None) -> None:
        study.refuse_unfit(self.migration, self.script)
        for text, what in ((self.down_script, "the rollback"), (parse(self.capture), "the capture script")):
            study.refuse_reaching_out(text, what)
        self.found.unproven += study.left_out(self.script) + study.left_out(self.down_script)
        if self.down_script.problem:
            self._step("down", False, f"the rollback does not parse: {self.down_script.problem.message}")
            raise RollbackError(f"the rollback does not parse: {self.down_script.problem.message}")
        with self.work.connect() as conn:
            if self.known is not None:
                self.before, self.old = self.known.before, self.known.old
            else:
                self.before, self.old = read_snapshot(conn), identities.read(conn)
            self.wanted = rows.tables_of(self.before)
            self.rows_before = rows.read(conn, self.wanted, self.before)
            self.unseen, self.copies = unseen.read(conn), key_copies.read(conn)
        self._up()
        with self.work.connect() as conn:
            self.after = self.known.after if self.known is not None else read_snapshot(conn)
            self.new = identities.read(conn)
            changed = rows.differences(self.rows_before, rows.read(conn, self._renamed_wanted(), self.after))
            self.found.changed_by_up = [f"{d.table.schema}.{d.table.name}" for d in changed]
            concerned = set(touched or ()) | {d.table for d in changed}
            self.found.empty = sorted(
                f"{t.schema}.{t.name}" for t in concerned if t in self.rows_before and not self.rows_before[t].count
            )
            if self._down_in_transaction():
                self._down_and_up_again(conn)
        if not self._down_in_transaction():
            self._down_on_a_copy()
        if self.found.failed or self.found.schema:
            return
        reached = self.reached | written.told(self.down_script, self.before).kinds.keys()
        self._with_writes([*sorted(concerned), *sorted(reached - concerned)])

    def _renamed_wanted(self) -> dict[ObjectId, tuple[str, ...]]:
        return self.wanted

    # -- the steps

    def _up(self) -> None:
        began = time.perf_counter()
        try:
            self._run_up()
        except RollbackError as error:
            self._step("up", False, str(error), began)
            raise
        self._step("up", True, "the migration runs", began)

    def _run_up(self) -> None:
        """Errors: RollbackError."""
        if self.transactional:
            try:
                self._run_up_once()
                return
            except study.NotTogether:
                self.transactional = False
        self._run_up_once()

    def _run_up_once(self) -> None:
        capture = self.capture if self.together and self.transactional else ""
        if self.capture and not capture:
            with self.work.connect() as conn:
                _execute(conn, self.capture, "the capture script")
        if self.transactional:
            with self.work.connect() as conn:
                conn.execute("BEGIN")
                if capture:
                    _execute(conn, capture, "the capture script", begun=True, settle=False)
                study.run_up(conn, self.work, self.migration, self.script)
                _commit(conn)
        else:
            study.run_statements(self.work, self.migration)

    def _down_in_transaction(self) -> bool:
        return all(p.statement.transactional is not False for p in self.down_script.statements) and not any(
            p.node_name == "transaction_stmt" for p in self.down_script.statements
        )

    def _down_and_up_again(self, conn: Connection) -> None:
        began = time.perf_counter()
        with study.undone(conn):
            try:
                _execute(conn, self.down, "the rollback", begun=True)
            except RollbackError as error:
                self._step("down", False, str(error), began)
                raise
            self._step("down", True, "the rollback runs", began)
            self.reached = written.reached(conn, self.old)
            self._compare(conn)
            if not self.transactional:
                return
            began = time.perf_counter()
            try:
                if self.capture and self.together:
                    _execute(conn, self.capture, "the capture script", begun=True, settle=False)
                study.run_up(conn, self.work, self.migration, self.script)
                conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
                self._compare_again(read_snapshot(conn), began)
            except (AgentdbError, _driver_error()) as error:
                self._not_again(error, began)

    def _down_on_a_copy(self) -> None:
        """A rollback that opens transactions itself, or cannot stand in one, runs for good on a copy."""
        from ..sandbox.run import run_script

        began = time.perf_counter()
        with self.server.clone(self.work) as copy:
            run = run_script(copy, self.down, trace=False, no_transaction=True)
            if not run.ok:
                self._step("down", False, run.error, began)
                raise RollbackError(f"the rollback fails: {run.error}")
            self._step("down", True, "the rollback runs", began)
            with copy.connect() as conn:
                self._compare(conn)

    def _compare(self, conn: Connection) -> None:
        began = time.perf_counter()
        now = read_snapshot(conn)
        self.found.schema = leftovers(self.before, now)
        self.found.orders = column_orders(self.before, now)
        self.found.marks = key_marks(self.before, now)
        copies = key_copies.otherwise(self.copies, key_copies.read(conn))
        self.found.marks += [f"{p.table}: its constraint {n} has another name" for p, n in copies.items()]
        self._step("compare schema", not self.found.schema, "; ".join(self.found.schema[:5]) or "equal", began)
        began = time.perf_counter()
        self.found.data = rows.differences(self.rows_before, rows.read(conn, self.wanted, now))
        self.found.unseen = unseen.losses(self.unseen, unseen.read(conn))
        told = [f"{d.table.schema}.{d.table.name}: {d.why}" for d in self.found.data]
        told += [f"{x.table}: {x.why}" for x in self.found.unseen]
        self._step("compare rows", not told, "; ".join(told[:5]) or "equal", began)

    def _compare_again(self, now: Snapshot, began: float) -> None:
        differ = leftovers(self.after, now)
        self._step("up again", True, "; ".join(differ[:5]) or "the same schema as the first time", began)
        if differ:
            self.found.unproven.append(f"the migration makes another schema the second time: {differ[0]}")

    def _not_again(self, error: BaseException, began: float) -> None:
        line = " ".join(str(error).split())[:300]
        self._step("up again", False, line, began)
        self.found.unproven.append(f"the migration does not run again after the rollback: {line}")

    def _with_writes(self, touched: Sequence[ObjectId]) -> None:
        began = time.perf_counter()
        keys: dict[ObjectId, set[rows.Row]] = {}
        contents: dict[ObjectId, Counter[rows.Row]] = {}
        for table, kept in self.rows_before.items():
            if kept.rows is None:
                continue
            contents[table] = Counter(kept.rows)
            key = writes.key_of(self.before, table, set(kept.columns))
            places = [kept.columns.index(k) for k in key]
            keys[table] = {tuple(r[p] for p in places) for r in kept.rows} if key else set()
        import psycopg

        try:
            with self.work.connect() as conn:
                earlier = writes.conflicts(conn)
                done = writes.write(conn, self.before, self.after, self.old, self.new, touched, keys)
                left = writes.untried(conn, self.before, self.after, self.old, self.new, touched, done)
        except (psycopg.Error, AgentdbError) as error:
            self._step("writes", False, " ".join(str(error).split())[:300], began)
            self.found.unproven.append("no writes under the new schema could be made")
            return
        if left:
            self.found.unproven.append(f"there is too much to try writes in {', '.join(left[:3])}")
        said = ", ".join(f"{w.table.name} +{len(w.inserted)} ~{len(w.changed)} -{len(w.deleted)}" for w in done)
        self._step("writes", True, said or "there is no table to write to", began)
        began = time.perf_counter()
        try:
            self._down_for_good()
        except RollbackError as error:
            self._step("down after writes", False, str(error), began)
            self.found.since.append(f"after writes under the new schema the rollback stops: {error.what}")
            return
        with self.work.connect() as conn:
            now = read_snapshot(conn)
            differ = leftovers(self.before, now)
            self.found.since += differ
            if not differ and not self.found.data:
                columns = {t: k.columns for t, k in self.rows_before.items()}
                self.found.since += writes.lost(conn, done, contents, columns, earlier)
        self._step(
            "down after writes", not self.found.since, "; ".join(self.found.since[:5]) or "all writes are kept", began
        )
        if not self.transactional and not self.found.since:
            self._again_for_good()

    def _down_for_good(self) -> None:
        if self._down_in_transaction():
            with self.work.connect() as conn:
                conn.execute("BEGIN")
                _execute(conn, self.down, "the rollback", begun=True)
                _commit(conn)
            return
        from ..sandbox.run import run_script

        run = run_script(self.work, self.down, trace=False, no_transaction=True)
        if not run.ok:
            raise RollbackError(run.error)

    def _again_for_good(self) -> None:
        began = time.perf_counter()
        try:
            self._run_up()
            with self.work.connect() as conn:
                self._compare_again(read_snapshot(conn), began)
        except AgentdbError as error:
            self._not_again(error, began)

    def _step(self, name: str, ok: bool, detail: str, began: float | None = None) -> None:
        ms = 0 if began is None else round((time.perf_counter() - began) * 1000)
        self.found.steps.append({"step": name, "ok": ok, "detail": detail[:600], "ms": ms})


def _driver_error() -> type[Exception]:
    import psycopg

    return psycopg.Error


def _commit(conn: Connection) -> None:
    import psycopg

    try:
        conn.execute("COMMIT")
    except psycopg.Error as error:
        raise RollbackError(f"at COMMIT: {' '.join(str(error).split())[:300]}") from None


def _execute(conn: Connection, sql: str, what: str, *, begun: bool = False, settle: bool = True) -> None:
    """The script's statements run in one transaction. settle: deferred constraints speak at its end.
    Errors: RollbackError with what the server said."""
    import psycopg

    try:
        if begun:
            conn.execute(sql.encode())
            if settle:
                conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        else:
            with conn.transaction():
                conn.execute(sql.encode())
    except psycopg.Error as error:
        message = error.diag.message_primary or " ".join(str(error).split())
        raise RollbackError(f"{what} fails: {message[:400]}") from None
