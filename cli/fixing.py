"""`agentdb check --fix`: a rewrite for each file with hazards, tried in the sandbox, shown, and written when proven."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatabaseError, UsageError
from ..tools.files import Layout, discover, write_whole
from ..tools.fixes.files import Draft
from ..tools.fixes.offer import Hazard, Offer, Outcome, offer, refused
from ..tools.fixes.prove import ROWS, Ground, Original
from ..tools.records import Migration, Severity
from .checking import Checked, Wishes, looked_at
from .measuring import sandbox_for

if TYPE_CHECKING:
    from ..agents.model import Model
    from ..tools.databases.dsn import Dsn
    from ..tools.sandbox.databases import SandboxDatabase
    from ..tools.sandbox.server import SandboxServer
    from .context import ProjectContext


@dataclass(frozen=True, slots=True)
class File:
    """One file and what there is to offer for it. shown: its path for people. written: the files that were written."""

    shown: str
    offer: Offer
    written: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixes:
    """What `check --fix` did. server: the sandbox, in words."""

    files: tuple[File, ...]
    fail_on: str
    server: str = ""
    notes: tuple[str, ...] = ()

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return tuple(h for f in self.files for h in f.offer.hazards)

    def count(self, *outcomes: Outcome) -> int:
        return sum(h.outcome in outcomes for h in self.hazards)

    @property
    def passed(self) -> bool:
        """Whether nothing is left that fails a check."""
        if self.fail_on == "never":
            return True
        least = Severity(self.fail_on).rank
        left = (h for h in self.hazards if h.outcome in (Outcome.REFUSED, Outcome.NO_FORM))
        return not any(h.finding.severity.rank >= least for h in left)


def fix(wishes: Wishes, *, write: bool, ask_model: bool = False) -> Fixes:
    """The fixes for the files wished. write: also put the proven ones in place. ask_model: let a model draft a rewrite
    where no known form passed.

    Errors: UsageError, ConfigError, SandboxError; DatabaseError when the target that was named cannot be read.
    """
    project, rules, _, checked = looked_at(replace(wishes, static=False))
    checked = [one for one in checked if one.source.problem is None]
    if not checked:
        return Fixes((), rules.fail_on)
    target = _target(project, wishes)
    notes: list[str] = []
    model = _model(project) if ask_model else None
    with sandbox_for(project) as server:
        if all(one.source.migration is not None for one in checked):
            found = list(_pending(server, checked, project, target, wishes, notes, model))
        else:
            found = list(_plain(server, checked, target, model))
        name = server.version_text
    files = []
    for shown, made in found:
        written = tuple(write_whole(d.path, d.text) for d in _placeable(made)) if write else ()
        files.append(File(shown, made, written))
    return Fixes(tuple(files), rules.fail_on, name, tuple(notes))


def _placeable(made: Offer) -> Sequence[Draft]:
    """The files to write; UsageError when one would take the place of another file."""
    for draft in made.files:
        if draft.path != made.original.path and draft.path.exists():
            raise UsageError("a file of that name is already there", where=str(draft.path), hint="Rename it first.")
    return made.files


def _model(project: ProjectContext | None) -> Model:
    if project is None:
        raise UsageError("--let-model-draft needs a project that names the model", hint="Run `agentdb init`.")
    from .crew import model_of

    found = model_of(project)
    if found is None:
        raise UsageError("no model is named", hint="Set model.name in agentdb.toml, or AGENTDB_MODEL.")
    return found


def _target(project: ProjectContext | None, wishes: Wishes) -> Dsn | None:
    if project is None:
        return None
    found = project.optional_target(wishes.target)
    return found.dsn if found is not None else None


# -- the project's pending migrations


def _pending(
    server: SandboxServer,
    checked: Sequence[Checked],
    project: ProjectContext | None,
    target: Dsn | None,
    wishes: Wishes,
    notes: list[str],
    model: Model | None,
) -> Iterator[tuple[str, Offer]]:
    layout = project.layout if project is not None else Layout(Path.cwd())
    every = discover(layout)
    taken = [m.version for m in every] + [p.name.partition("_")[0] for p in layout.archived.glob("*.sql")]
    ran = _applied(target, wishes, notes)
    chosen = {one.source.migration.path for one in checked if one.source.migration is not None}
    with server.create() as state:
        _state_before(state, every, chosen, target, notes)
        for one in checked:
            migration = one.source.migration
            assert migration is not None
            original = Original(migration.sql, migration.path, _alone(one, wishes), splits=True)
            if migration.state != "pending" or (migration.version, migration.name) in ran:
                yield (
                    one.source.path,
                    refused(original, one.findings, "it is applied, and an applied migration never changes"),
                )
                continue
            later = every[every.index(migration) + 1 :]
            between = [m for m in later if m.state == "pending"]
            made = _offer(server, state, one, original, between, taken, model)
            taken += [d.path.name.partition("_")[0] for d in made.files]
            if migration.rollback_path and made.files:
                made = replace(
                    made, notes=(*made.notes, f"its rollback {migration.rollback_path.name} needs drafting anew")
                )
            yield one.source.path, made
            if not _passed_on(state, migration):
                notes.append(f"Not looked at: the files after {one.source.path}, which does not run in the sandbox.")
                return


def _alone(one: Checked, wishes: Wishes) -> bool:
    if wishes.in_transaction is not None:
        return not wishes.in_transaction
    return one.source.migration is not None and one.source.migration.no_transaction


def _applied(target: Dsn | None, wishes: Wishes, notes: list[str]) -> frozenset[tuple[str, str]]:
    """(version, name) of the migrations that the target's ledger has as applied."""
    if target is None:
        return frozenset()
    from ..tools.databases.postgres import connect
    from ..tools.ledger.history import rows

    try:
        with connect(target, options={"default_transaction_read_only": "on"}) as connection:
            found = rows(connection)
    except DatabaseError as error:
        if wishes.target:
            raise
        notes.append(f"The target was not asked what is applied: {error}.")
        return frozenset()
    return frozenset((r.version, r.name) for r in found if r.kind == "apply" and r.status != "rolled_back")


def _state_before(
    state: SandboxDatabase, every: Sequence[Migration], chosen: set[Path], target: Dsn | None, notes: list[str]
) -> None:
    """Make the schema that the first of the chosen files finds."""
    from ..tools.sandbox import before
    from ..tools.sandbox.rehearsal import run_earlier

    first = next(i for i, m in enumerate(every) if m.path in chosen)
    earlier = [m for m in every[:first] if m.path not in chosen]
    if target is not None:
        made = before.from_target(state, target)
    else:
        made = before.from_migrations(state, [m for m in earlier if m.state == "applied"])
    notes += made.notes
    for migration in earlier:
        if migration.state == "pending":
            run_earlier(state, [migration])


def _passed_on(state: SandboxDatabase, migration: Migration) -> bool:
    """Run a migration on the way to the next one."""
    from ..tools.sandbox.run import run_migration

    return run_migration(state, migration, trace=False).ok


# -- files by themselves


def _plain(
    server: SandboxServer, checked: Sequence[Checked], target: Dsn | None, model: Model | None
) -> Iterator[tuple[str, Offer]]:
    from ..tools.sandbox import before
    from ..tools.sandbox.run import run_script

    for one in checked:
        path = Path(one.source.path)
        original = Original(one.source.sql, path, not one.context.in_transaction)
        if one.source.setup is None and target is None:
            why = "the schema before is not known; name it with --schema-dir or --target"
            yield one.source.path, refused(original, one.findings, why)
            continue
        with server.create() as state:
            why = ""
            if target is not None and not one.source.setup:
                before.from_target(state, target)
            for setup in one.source.setup or ():
                text = setup.read_text(encoding="utf-8-sig")
                run = (
                    run_script(state, text, path=str(setup), no_transaction=True, trace=False) if text.strip() else None
                )
                why = why or (f"the schema before does not build: {run.error}" if run and not run.ok else "")
            if why:
                yield one.source.path, refused(original, one.findings, why)
                continue
            taken = [p.name.partition("_")[0] for p in path.parent.glob("[0-9]*_*.sql")]
            yield one.source.path, _offer(server, state, one, original, (), taken, model)


# -- one file


def _offer(
    server: SandboxServer,
    state: SandboxDatabase,
    one: Checked,
    original: Original,
    between: Sequence[Migration],
    taken: Sequence[str],
    model: Model | None,
) -> Offer:
    from ..tools.sandbox.seed import seed
    from ..tools.schema.snapshot import read_snapshot

    with contextlib.ExitStack() as held:
        base = held.enter_context(server.clone(state))
        with base.connect() as connection:
            snapshot = read_snapshot(connection)
            seed(connection, rows=ROWS)
        ground = Ground(server, base, original, between=between)
        held.callback(ground.close)
        context = replace(one.context, in_transaction=not original.no_transaction)
        made = offer(ground, one.findings, snapshot, context, taken=taken, shown=one.source.path)
        if model is None:
            return made
        from ..agents.rewrite_draft import last_resort

        last = last_resort(ground, made, snapshot, model, one.source.path)
        told = tuple(f"attempt {a.number} of a model: {a.outcome}: {a.reason}" for a in last.attempts)
        return replace(last.offer, notes=(*last.offer.notes, *told))
