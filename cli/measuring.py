"""Findings settled in the sandbox: the schema before is built, rows are seeded, the file is run, and what was seen
confirms or refutes what was read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatabaseError, SandboxError
from ..tools.hazards.reconcile import failed_on_data, reconcile, with_data_failure
from ..tools.hazards.run import Session
from .queries import look_into

if TYPE_CHECKING:
    from ..tools.databases.dsn import Dsn
    from ..tools.databases.postgres import Connection
    from ..tools.hazards.context import Context
    from ..tools.records import Finding
    from ..tools.sandbox.databases import SandboxDatabase
    from ..tools.sandbox.runs import SandboxRun
    from ..tools.sandbox.server import SandboxServer
    from .checking import Checked, Wishes
    from .context import ProjectContext

ROWS = 12


def measure(checked: list[Checked], project: ProjectContext | None, wishes: Wishes) -> tuple[bool, list[str]]:
    """Settle the findings of each file in place; (whether anything was measured, notes on what was not).

    A sandbox that does not work is a note; Errors: RefusedError when it is a target, DatabaseError when the target
    that was named cannot be read.
    """
    if (
        not any(one.source.setup is not None or one.source.migration is not None for one in checked)
        and not wishes.target
    ):
        return False, ["Not measured: the schema before is not known; name it with --schema-dir or --target."]
    try:
        if any(one.source.migration is not None for one in checked):
            return _pending(checked, project, wishes)
        return _plain(checked, project, wishes)
    except SandboxError as error:
        return False, [f"Not measured: {error}." + (f" {error.hint}" if error.hint else "")]


@contextlib.contextmanager
def sandbox_for(project: ProjectContext | None) -> Iterator[SandboxServer]:
    from ..tools.sandbox.server import sandbox_server

    if project is not None:
        own = project.sandbox_dsn()
    else:
        from ..tools.databases.dsn import Dsn

        own = Dsn(url) if (url := os.environ.get("AGENTDB_SANDBOX_DSN", "").strip()) else None
    forbidden = project.all_target_dsns() if project is not None else ()
    with sandbox_server(server_dsn=own, forbidden=forbidden) as server:
        yield server


def estimated_rows(connection: Connection) -> Mapping[str, int]:
    """How many rows the tables have, as the statistics say, by "schema.table"."""
    from ..tools.databases.queries import load

    found = connection.execute(load("postgres", "estimated_rows").encode()).fetchall()
    return {str(name): int(rows) for name, rows in found}


def rows_of(target: Dsn | None) -> Mapping[str, int]:
    """The rows of a target's tables; nothing without a target."""
    if target is None:
        return {}
    from ..tools.databases.postgres import connect

    with connect(target, options={"default_transaction_read_only": "on"}) as connection:
        return estimated_rows(connection)


def _target(project: ProjectContext | None, wishes: Wishes) -> Dsn | None:
    """The target whose schema to start from: the one named, or the only one whose variable is set."""
    if project is None:
        if wishes.target:
            raise SandboxError("there is no agentdb.toml that says where the target is")
        return None
    found = project.optional_target(wishes.target)
    return found.dsn if found is not None else None


# -- the project's pending migrations, one after the other


def _pending(checked: list[Checked], project: ProjectContext | None, wishes: Wishes) -> tuple[bool, list[str]]:
    from ..graph.workbench import Workbench
    from ..tools.files import Layout, discover

    layout = project.layout if project is not None else Layout(Path.cwd())
    target = _target(project, wishes)
    chosen = [one.source.migration for one in checked if one.source.migration is not None]
    mine = {m.path for m in chosen}

    def applied() -> Sequence[object]:
        return [
            m for m in discover(layout) if m.path not in mine and (m.state == "applied" or m.number < chosen[0].number)
        ]

    notes: list[str] = []
    bench = Workbench(
        lambda: sandbox_for(project),
        target=target,
        applied=applied,  # type: ignore[arg-type]
        root=layout.root,
        rows=project.settings.sandbox.rows if project is not None else ROWS,
    )
    with bench:
        try:
            first = bench.stage([])
            rows = rows_of(target)
        except DatabaseError as error:
            if wishes.target:
                raise
            return False, [f"Not measured: {error}."]
        if bench.before is not None:
            notes += bench.before.notes
        session = Session(replace(checked[0].context, before=first.snapshot, setup=(), table_rows=rows))
        for number, one in enumerate(checked, 1):
            _progress(number, len(checked))
            assert one.source.migration is not None
            exempt = frozenset(name for name, table in session.catalog.tables.items() if table.new)
            wrapped = (
                wishes.in_transaction if wishes.in_transaction is not None else not one.source.migration.no_transaction
            )
            assert one.script is not None
            found = session.check(one.script, path=one.source.path, in_transaction=wrapped)
            stage = bench.stage(chosen[:number])
            run = stage.run
            assert run is not None
            _settle(one, session.context, found, run, checked, exempt)
            if wishes.target and target is not None and stage.start is not None and run.ok:
                notes += reckon(one, session.context, run, bench.server, stage.start, target)
            notes += [f"{one.source.path}: {note}" for note in run.notes]
            if not run.ok:
                if later := len(checked) - number:
                    notes.append(
                        f"Not measured: {later} migrations after {one.source.path}, which failed in the sandbox."
                    )
                break
        notes += look_into(checked, partial(bench.server.clone, first.database), project, wishes, target)
    return True, notes


def carried(one: Checked, context: Context, *, trace: bool = True) -> Callable[[SandboxDatabase], SandboxRun]:
    """What runs a file in a sandbox database."""
    from ..tools.sandbox.run import run_migration, run_script

    migration, source = one.source.migration, one.source
    if migration is not None:
        return lambda database: run_migration(database, migration, trace=trace)
    alone = not context.in_transaction
    return lambda database: run_script(database, source.sql, path=source.path, no_transaction=alone, trace=trace)


def reckon(
    one: Checked, context: Context, run: SandboxRun, server: SandboxServer, start: SandboxDatabase, target: Dsn
) -> list[str]:
    """Say in a file's findings how long its locks would be held on the target; notes when that cannot be reckoned."""
    from ..tools.hazards.timed import timed
    from ..tools.sandbox.timing import timing

    migration = one.source.migration
    alone = migration.no_transaction if migration is not None else not context.in_transaction
    try:
        found = timing(server, start, carried(one, context, trace=False), run, target, alone=alone)
    except (SandboxError, DatabaseError) as error:
        return [f"{one.source.path}: how long locks are held on the target is not reckoned: {error}"]
    one.findings = timed(one.findings, found.holds, found.works, context)
    return []


def _settle(
    one: Checked,
    context: Context,
    found: Sequence[Finding],
    run: SandboxRun,
    checked: Sequence[Checked],
    exempt: frozenset[str],
) -> None:
    from ..tools.sandbox.run import evidence

    start = 1 + sum(len(other.evidence) for other in checked)
    one.evidence = evidence(run, start)
    one.findings = reconcile(
        found, run, one.evidence, path=one.source.path, context=context, script=one.script, exempt=exempt
    )


# -- files by themselves


def _plain(checked: list[Checked], project: ProjectContext | None, wishes: Wishes) -> tuple[bool, list[str]]:
    notes: list[str] = []
    target = _target(project, wishes) if wishes.target else None
    done = 0
    with sandbox_for(project) as server, contextlib.ExitStack() as held:
        uses = Counter(one.source.setup or () for one in checked)
        bases = _Bases(server, target, held, uses + uses if target is not None else uses)
        for number, one in enumerate(checked, 1):
            _progress(number, len(checked))
            if one.source.problem is not None:
                continue
            try:
                run = with_rows = bases.run(one, ROWS)
                if failed_on_data(run):
                    run = bases.run(one, 0)
            except SetupError as error:
                notes.append(f"Not measured: {one.source.path}: {error}")
                continue
            _settle(one, one.context, one.findings, run, checked, frozenset())
            start = bases.kept.get((one.source.setup or (), ROWS))
            if target is not None and start is not None and run.ok:
                notes += reckon(one, one.context, run, server, start, target)
            if run is not with_rows:
                one.findings = with_data_failure(one.findings, with_rows, path=one.source.path)
            if wishes.queries is not None:
                notes += look_into([one], partial(bases.before, one), project, wishes, target)
            done += 1
    return done > 0, notes


class SetupError(Exception):
    """The schema before does not build."""


class _Bases:
    """Databases with the schema before, by the files that build it and the rows in them; used once, not copied."""

    def __init__(
        self, server: SandboxServer, target: Dsn | None, held: contextlib.ExitStack, uses: Counter[tuple[Path, ...]]
    ) -> None:
        self.server, self.target, self.held, self.uses = server, target, held, uses
        self.kept: dict[tuple[tuple[Path, ...], int], SandboxDatabase] = {}

    def run(self, one: Checked, rows: int) -> SandboxRun:
        """What the file does on a schema of its own. Errors: SetupError."""
        setup = one.source.setup or ()
        if self.uses[setup] > 1:
            if (setup, rows) not in self.kept:
                self.kept[setup, rows] = self._made(self.held.enter_context(self.server.create("before")), setup, rows)
            made = self.server.clone(self.kept[setup, rows])
        else:
            made = self.server.create("before")
        with made as database:
            if self.uses[setup] == 1:
                self._made(database, setup, rows)
            return carried(one, one.context)(database)

    def before(self, one: Checked) -> SandboxDatabase:
        """A database with the schema before, without rows; the caller drops it. Errors: SetupError."""
        made = self.server.create("before")
        try:
            return self._made(made, one.source.setup or (), 0)
        except BaseException:
            made.drop()
            raise

    def _made(self, database: SandboxDatabase, setup: Sequence[Path], rows: int) -> SandboxDatabase:
        from ..tools.sandbox import before
        from ..tools.sandbox.run import run_script
        from ..tools.sandbox.seed import seed

        if self.target is not None and not setup:
            before.from_target(database, self.target)
        for path in setup:
            text = path.read_text(encoding="utf-8-sig")
            if text.strip():
                run = run_script(database, text, path=str(path), no_transaction=True, trace=False)
                if not run.ok:
                    raise SetupError(f"the schema before does not build: {run.error}")
        if rows:
            with database.connect() as connection:
                seed(connection, rows=rows)
        return database


def _progress(number: int, of: int) -> None:
    if of > 1 and sys.stderr.isatty():
        end = "\r" if number < of else "\r\x1b[K"
        sys.stderr.write(f"measuring {number} of {of}{end}")
        sys.stderr.flush()
