"""From a branch to the record of it: gathered by git, measured in the sandbox, judged by fixed rules."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ... import __version__
from ...errors import AgentdbError, DatabaseError
from ...graph.workbench import Workbench
from ...tools.hazards.context import Context
from ...tools.hazards.reconcile import reconcile
from ...tools.hazards.run import Session
from ...tools.pullrequest import rollbacks
from ...tools.pullrequest.escape import visible
from ...tools.pullrequest.gather import Changed, Gathered, gather
from ...tools.pullrequest.git_range import unclean
from ...tools.pullrequest.locks import locks_of, work_of
from ...tools.pullrequest.record import Base, Entry, Record
from ...tools.pullrequest.verdict import judge
from ...tools.records import Evidence, Finding, Migration
from ...tools.sql import grammar
from ...tools.sql.parse import Script, parse

if TYPE_CHECKING:
    from ...agents.model import Model
    from ...graph.workbench import Stage
    from ..context import ProjectContext, Target

MOST_PAIRS = 8  # colliding pairs that are run in both orders
Listener = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line said. number: of the pull request, 0 when it is not known."""

    base: str
    worktree: bool = False
    write: bool = True
    check: bool = False
    fail_on: Literal["info", "warning", "error", "never"] | None = None
    number: int = 0
    target: Target | None = None
    model: Model | None = None


@dataclass(slots=True)
class Bench:
    """What is being found out. failed: migrations that do not run, which later ones do without."""

    gathered: Gathered
    bench: Workbench
    session: Session
    entries: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    steps: list[Migration] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def number(self) -> int:
        return len(self.evidence) + 1


def look(project: ProjectContext, wishes: Wishes, listen: Listener = lambda line: None) -> Record:
    """The record of the branch that is checked out. What stops the sandbox is told in it.

    Errors: UsageError when git cannot tell what the branch changes; ConfigError.
    """
    gathered = gather(project.layout, wishes.base, worktree=wishes.worktree)
    span = gathered.span
    fail_on = wishes.fail_on or project.settings.hazards.fail_on
    record = Record(
        agentdb=__version__,
        project=visible(project.settings.project.name or gathered.layout.root.name),
        base=Base(visible(span.base), span.base_sha, span.parted, span.head, span.worktree),
        verdict=judge((), (), fail_on=fail_on),
        number=wishes.number,
        notes=gathered.notes,
        fail_on=fail_on,
    )
    if not gathered.changed and not gathered.conflicts:
        return record
    goal = wishes.target
    with _bench(project, gathered, goal) as bench:
        state = Bench(gathered, bench, Session(_around(project)))
        trouble = hint = ""
        code = 3
        try:
            listen("rebuilding the schema as it is before")
            conflicts = _measured(project, state, wishes, listen)
        except (AgentdbError, OSError) as error:
            trouble, hint = str(error), getattr(error, "hint", "")
            code = getattr(error, "exit_code", 3)
            conflicts = gathered.conflicts
            _only_read(state)
        server = "" if trouble else bench.server.version_text
        before = bench.before
    unreadable = [c.problem for c in gathered.changed if c.problem is not None]
    numbered = _numbered((*conflicts, *unreadable, *state.findings))
    entries = tuple(_entry(state, one) for one in gathered.changed)
    moves = _moves(gathered) if gathered.conflicts else ()
    record = replace(
        record,
        measured=not trouble,
        server=server,
        source=before.source if before else "",
        notes=(*gathered.notes, *(before.notes if before else ())),
        migrations=entries,
        findings=numbered,
        moves=moves,
        evidence=tuple(state.evidence),
        statements=sum(e.statements for e in entries),
        verdict=judge(
            entries,
            numbered,
            fail_on=fail_on,
            trouble=trouble,
            hint=hint,
            exit_code=code,
            moves=moves,
            settings_changed=gathered.settings_changed,
        ),
    )
    if wishes.model is not None:
        from .notes import with_notes

        listen("asking the model for notes")
        return with_notes(record, gathered, wishes.model, send_rows=project.settings.model.send_row_data)
    return record


def _around(project: ProjectContext) -> Context:
    """What the rules are told: `agentdb apply` sets a lock timeout, opens one transaction for each file, and runs what
    may not stand in one by itself."""
    hazards = project.settings.hazards
    return Context(
        pg_version=hazards.pg_version or 18,
        in_transaction=True,
        lock_timeout_set=True,
        splits=True,
        severity=dict(hazards.severity),
        today=datetime.now(UTC).date(),
    )


def _bench(project: ProjectContext, gathered: Gathered, goal: Target | None) -> Workbench:
    """The sandbox. Its first state is what the files before the first changed one make, or the target's schema; paths
    in messages begin at the repository's top. Nothing is started yet."""
    from ...tools.durations import seconds
    from ...tools.sandbox.server import sandbox_server

    settings = project.settings.sandbox
    own, forbidden = project.sandbox_dsn(), project.all_target_dsns()
    return Workbench(
        lambda: sandbox_server(server_dsn=own, forbidden=forbidden),
        target=goal.dsn if goal else None,
        applied=lambda: gathered.ordered[: _run_from(gathered)],
        root=gathered.span.top,
        rows=settings.rows,
        timeout=seconds(settings.statement_timeout),
    )


def _run_from(gathered: Gathered) -> int:
    """The place of the first migration that is to be run."""
    chosen = {c.migration.path for c in gathered.chosen if c.migration}
    places = [n for n, m in enumerate(gathered.ordered) if m.path in chosen]
    return places[0] if places else len(gathered.ordered)


def _measured(project: ProjectContext, state: Bench, wishes: Wishes, listen: Listener) -> tuple[Finding, ...]:
    """Everything run, in order; the conflicts with what both orders of colliding pairs showed. Errors: AgentdbError."""
    gathered, bench = state.gathered, state.bench
    with _driver_errors():
        first = bench.stage(())
        rows = _rows_of(wishes.target)
        state.session = Session(replace(state.session.context, before=first.snapshot, table_rows=rows))
        chosen = {c.migration.path: c for c in gathered.chosen if c.migration}
        last = max((n for n, m in enumerate(gathered.ordered) if m.path in chosen), default=-1)
        start = _run_from(gathered)
        for migration in gathered.ordered[:start] if wishes.target else ():
            if migration.state == "pending":
                _pass_through(state, migration)
        for migration in gathered.ordered[start : last + 1]:
            one = chosen.get(migration.path)
            if one is None:
                _pass_through(state, migration)
                continue
            listen(f"{migration.label}: in the sandbox")
            stage = _run(state, one, migration)
            if stage.ok:
                listen(f"{migration.label}: the way back")
                _go_back(state, migration, wishes, gathered)
        return _both_orders(project, state, wishes, listen)


def _pass_through(state: Bench, migration: Migration) -> None:
    """A migration that the branch does not change, between two that it does."""
    if state.bench.stage((*state.steps, migration)).ok:
        state.steps.append(migration)
    state.session.check(parse(migration.sql), in_transaction=not migration.no_transaction)


def _run(state: Bench, one: Changed, migration: Migration) -> Stage:
    from ...tools.sandbox.before import without_place
    from ...tools.sandbox.runs import evidence

    script = parse(migration.sql)
    exempt = frozenset(name for name, table in state.session.catalog.tables.items() if table.new)
    told = state.session.check(script, path=one.path, in_transaction=not migration.no_transaction)
    stage = state.bench.stage((*state.steps, migration))
    run = stage.run
    assert run is not None
    measured = evidence(run, state.number(), timed=False)
    state.evidence += [replace(e, command=grammar.without_constants(e.command)) for e in measured]
    state.findings += reconcile(
        told, run, measured, path=one.path, context=state.session.context, script=script, exempt=exempt
    )
    without = f" (without {', '.join(state.failed)}, which failed before it)" if state.failed else ""
    said = f"line {run.line}: {without_place(run.error)}" if run.line else run.error
    state.entries[one.path] = replace(
        _plain(one, script),
        ok=None if run.unknown and not run.ok else run.ok,
        error=f"{said}{without}" if run.error else "",
        unknown=run.unknown,
        locks=locks_of(run),
        work=work_of(run),
    )
    if run.ok:
        state.steps.append(migration)
    else:
        state.failed.append(migration.label)
    return stage


def _go_back(state: Bench, migration: Migration, wishes: Wishes, gathered: Gathered) -> None:
    """The rollback of the migration that ran last, with its evidence and what the tree lacks."""
    layout = gathered.layout
    mine = {p.name for p in (migration.rollback_path, migration.capture_path) if p is not None}
    dirty = mine & {name.rpartition("/")[2] for name in unclean(gathered.span, layout.base)}
    try:
        ground = state.bench.proving_ground(state.steps)
        proven = rollbacks.way_back(
            state.bench.server, ground, layout, migration, write=wishes.write, replaceable=not dirty
        )
    except DatabaseError:
        raise
    except AgentdbError as error:
        proven = rollbacks.failed(error)
    id = f"E-{state.number():04d}"
    certificate = proven.scripts.certificate
    state.evidence.append(
        Evidence(
            id,
            "rollback-proof",
            f"{migration.label}: {proven.steps}",
            command="up, down, compare, up again; writes, down, compare",
            server=certificate.server,
            result={"class": certificate.klass.value, "proven": certificate.proven},
        )
    )
    path = gathered.shown(migration.path)
    back = rollbacks.plain(proven, layout, gathered.span.top, migration, id)
    state.entries[path] = replace(state.entries[path], rollback=back)
    if finding := rollbacks.missing(back, path, strict=wishes.check):
        state.findings.append(finding)


def _both_orders(project: ProjectContext, state: Bench, wishes: Wishes, listen: Listener) -> tuple[Finding, ...]:
    """The conflicts that the branch brings, those of two migrations settled by running both orders."""
    from ...tools.conflicts.find import pairs_of
    from ...tools.conflicts.merge_order import measured
    from ...tools.conflicts.prove import prove

    found, case = state.gathered.conflicts, state.gathered.case
    if not {f.id for f in found} & pairs_of(case).keys():
        return found
    listen("running colliding migrations in both orders")
    dsn = wishes.target.dsn if wishes.target else None
    rows = project.settings.sandbox.rows
    results = prove(state.bench.server, case, target=dsn, rows=rows, most=MOST_PAIRS)
    told, evidence = measured(found, results, state.number())
    state.evidence += evidence
    return told


def _only_read(state: Bench) -> None:
    """The findings of the text alone, for a branch that could not be run."""
    gathered = state.gathered
    setup = tuple(parse(m.sql) for m in gathered.ordered[: _run_from(gathered)])
    session = Session(replace(state.session.context, setup=setup, schema_complete=bool(setup)))
    state.findings.clear()
    for one in gathered.chosen:
        assert one.migration is not None
        script = parse(one.migration.sql)
        state.findings += session.check(script, path=one.path, in_transaction=not one.migration.no_transaction)
        if one.path not in state.entries:
            state.entries[one.path] = replace(_plain(one, script), error="the sandbox could not say")


def _plain(one: Changed, script: Script | None) -> Entry:
    migration = one.migration
    headers = " ".join(migration.headers.get("reversible", ())).lower() if migration else ""
    return Entry(
        label=one.label,
        path=one.path,
        change=one.change,
        was=one.was,
        folder=migration.state if migration else "",
        sha256=migration.sha256 if migration else "",
        statements=len(script.statements) if script else 0,
        irreversible=headers.startswith("no"),
    )


def _entry(state: Bench, one: Changed) -> Entry:
    """The entry of a changed file, with what is wrong with one that cannot be read."""
    if one.problem is not None:
        return replace(_plain(one, None), error="it cannot be read as a migration")
    return state.entries.get(one.path) or _plain(one, None)


def _numbered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Conflicts first, then hazards by file and line, with ids F-1, F-2, ..."""
    conflicts = [f for f in findings if f.rule.startswith("conflict-")]
    rest = [f for f in findings if not f.rule.startswith("conflict-")]
    rest.sort(key=lambda f: (f.path, f.line, f.rule, f.title))
    return tuple(replace(f, id=f"F-{n}", path=visible(f.path)) for n, f in enumerate([*conflicts, *rest], 1))


def _moves(gathered: Gathered) -> tuple[str, ...]:
    """The renames that would settle the conflicts, in words."""
    from ...tools.conflicts.plan import resolution

    told = []
    for move in resolution(gathered.case, gathered.conflicts).moves:
        source, target = gathered.shown(move.source), gathered.shown(move.target)
        what = f"{source} becomes {target}" if source != target else f"{source} gets another header"
        told.append(f"{what}: {move.why}" if move.why else what)
    return tuple(told)


def _rows_of(target: Target | None) -> dict[str, int]:
    from ..measuring import rows_of

    return dict(rows_of(target.dsn if target else None))


@contextlib.contextmanager
def _driver_errors() -> Iterator[None]:
    """A database driver's error as one line without the rows that its details may hold."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] != "psycopg":
            raise
        diag = getattr(error, "diag", None)
        lines = (getattr(diag, "message_primary", None) or str(error)).strip().splitlines()
        said = lines[0][:300] if lines else type(error).__name__
        raise DatabaseError(f"the sandbox's database answered: {said}", hint="Run again.") from None
