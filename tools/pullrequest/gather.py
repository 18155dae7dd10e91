"""The migrations of a branch: which of them it changes, what stands beside them, and which cannot be read at all.

One file that cannot be read takes nothing from the others: it becomes a finding. Symbolic links are not followed, so
that a branch cannot have other files of the machine read, shown or overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import MigrationFileError, UsageError
from .. import files, naming
from ..conflicts.branches import read_branch
from ..conflicts.case import Branch, Case
from ..conflicts.find import case_of, conflicts_of
from ..files import Layout
from ..records import Finding, Migration, Severity
from .escape import visible
from .git_range import Change, Range, changes, is_changed, read_range, tracked, unclean, within
from .record import ChangeWord

PLACES = ("applied", "pending")


@dataclass(frozen=True, slots=True)
class Changed:
    """A migration file that the branch changes. migration: None for one that is deleted or cannot be read."""

    change: ChangeWord
    path: str
    was: str = ""
    migration: Migration | None = None
    problem: Finding | None = None

    @property
    def label(self) -> str:
        return self.migration.label if self.migration else Path(self.path).name


@dataclass(frozen=True, slots=True)
class Gathered:
    """The branch. ordered: every migration that can be read, as they run. case: for what looks at conflicts;
    conflicts: those that the branch brings. settings_changed: agentdb.toml is another one than the base's."""

    span: Range
    layout: Layout
    changed: tuple[Changed, ...]
    ordered: tuple[Migration, ...]
    case: Case
    conflicts: tuple[Finding, ...]
    settings_changed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[Changed, ...]:
        """Those that run in the sandbox, in the order in which they run."""
        place = {m.path: number for number, m in enumerate(self.ordered)}
        mine = [c for c in self.changed if c.migration is not None and c.change not in ("moved", "deleted")]
        return tuple(sorted(mine, key=lambda c: place[c.migration.path] if c.migration else 0))

    def shown(self, path: Path) -> str:
        """A path as the report names it: from the repository's top."""
        return shown(self.span, path)


def gather(layout: Layout, base: str, *, worktree: bool = False) -> Gathered:
    """The branch that is checked out. worktree: files that are not committed count too.

    Errors: UsageError when git cannot tell, or when files that would be judged differ from what is committed.
    """
    layout = replace(layout, root=layout.root.resolve())
    if layout.base.resolve().is_relative_to(layout.root):  # git names files by where they really lie
        layout = replace(layout, migrations=layout.base.resolve().relative_to(layout.root).as_posix())
    span = read_range(layout.root, base, worktree=worktree)
    span = replace(span, top=span.top.resolve())
    notes: list[str] = []
    if not layout.base.is_dir():
        raise UsageError(
            "there is no migrations folder",
            where=str(layout.base),
            hint="Run `agentdb init`, or name it in agentdb.toml.",
        )
    within(span, layout.base)
    counting = None if worktree else _committed(span, layout, notes)
    found, problems = _read(span, layout, counting)
    branch = read_branch(layout, base)
    case = case_of(found, (), _sql(layout.rollback), archived=_sql(layout.archived), branch=branch, root=span.top)
    changed = tuple(_changed(span, layout, branch, found, problems))
    paths = {c.path for c in changed}
    notes += [f"{p.path} is left out: {p.title}" for path, p in problems.items() if path not in paths]
    return Gathered(
        span=span,
        layout=layout,
        changed=changed,
        ordered=case.ordered,
        case=case,
        conflicts=_brought(span, layout, case, paths),
        settings_changed=is_changed(span, layout.root / "agentdb.toml"),
        notes=tuple(notes),
    )


def shown(span: Range, path: Path) -> str:
    """A path from the repository's top, with bytes that are no text made visible."""
    name = path.relative_to(span.top).as_posix() if path.is_relative_to(span.top) else path.as_posix()
    return visible(name)


def is_own(layout: Layout, path: Path) -> bool:
    """Whether a path lies in the migrations folder without a symbolic link on the way, its own place included."""
    base = layout.base.resolve()
    return not path.is_symlink() and path.parent.resolve().is_relative_to(base) and not path.parent.is_symlink()


def _committed(span: Range, layout: Layout, notes: list[str]) -> frozenset[str]:
    """The files that count when only commits do. Errors: UsageError when one of them is not as it was committed."""
    there = tracked(span, layout.base)
    places = tuple(f"{within(span, layout.base)}/{place}/" for place in PLACES)
    differing = [p for p in unclean(span, layout.base) if p.startswith(places)]
    edited = [p for p in differing if p in there]
    if edited:
        raise UsageError(
            "the file is not as it was committed",
            where=visible(edited[0]),
            hint="Commit it, or say --worktree to have files judged as they are.",
        )
    if new := len([p for p in differing if p.endswith(".sql")]):
        notes.append(f"{new} migration files that are not committed are left out; --worktree takes them in.")
    return there


def _read(
    span: Range, layout: Layout, counting: frozenset[str] | None
) -> tuple[tuple[Migration, ...], dict[str, Finding]]:
    """The migrations in pending/ and applied/, and what is wrong with those that cannot be read, by their paths."""
    found: list[Migration] = []
    problems: dict[str, Finding] = {}
    for folder in (layout.applied, layout.pending):
        for path in sorted(folder.glob("*.sql")) if folder.is_dir() else ():
            name = path.relative_to(span.top).as_posix()
            if not is_own(layout, path) or not path.is_file():
                problems[name] = _problem(
                    span, path, "It is a symbolic link, which is not followed.", "Put the file itself here."
                )
            elif counting is not None and name not in counting:
                continue
            elif naming.parse_name(path.name) is None:
                problems[name] = _misnamed(span, path)
            else:
                try:
                    found.append(_safe(layout, files.read_migration(path, layout)))
                except MigrationFileError as error:
                    problems[name] = _problem(span, path, f"{error.what}.".capitalize(), error.hint)
    return tuple(sorted(found, key=lambda m: (m.number, m.name, m.state))), problems


def _safe(layout: Layout, migration: Migration) -> Migration:
    """The migration without rollback scripts that are links."""
    kept = {
        field: getattr(migration, field)
        for field in ("rollback_path", "capture_path")
        if getattr(migration, field) is not None and is_own(layout, getattr(migration, field))
    }
    return replace(migration, rollback_path=kept.get("rollback_path"), capture_path=kept.get("capture_path"))


def _misnamed(span: Range, path: Path) -> Finding:
    better = f"001_{naming.slug(path.stem) or 'change'}.sql"
    return _problem(
        span,
        path,
        "The file is not named NNN_description.sql.",
        f"Rename it, for example to {better}: letters, digits, _ and - after the number.",
    )


def _problem(span: Range, path: Path, title: str, fix: str) -> Finding:
    why = "agentdb cannot carry it out, and nothing in it was checked."
    return Finding("unreadable-file", Severity.ERROR, title, why, fix, path=shown(span, path), line=1)


def _changed(
    span: Range, layout: Layout, branch: Branch, found: Sequence[Migration], problems: dict[str, Finding]
) -> Iterator[Changed]:
    """Every migration file that the branch changes, and the migrations whose rollback scripts it changes."""
    every = changes(span, layout.base)
    folder = within(span, layout.base)
    here = {m.path.relative_to(span.top).as_posix(): m for m in found}
    told: set[str] = set()
    for change in every:
        if not _is_migration(change.path, folder):
            continue
        told.add(change.path)
        migration, problem = here.get(change.path), problems.get(change.path)
        if change.kind == "deleted" and any(m.path.name == change.name for m in found):
            continue  # it lies in the other folder now
        if migration is None and problem is None and change.kind != "deleted":
            problem = _problem(
                span, span.top / change.path, "The file is not there, or is no plain file.", "Put it there."
            )
        yield Changed(_word(change, migration, branch), visible(change.path), visible(change.was), migration, problem)
    scripts = {c.name for c in every if c.path.startswith(f"{folder}/rollback/")}
    for path, migration in here.items():
        if path not in told and {f"{migration.label}.sql", f"{migration.label}.capture.sql"} & scripts:
            yield Changed("rollback", visible(path), migration=migration)


def _is_migration(path: str, folder: str) -> bool:
    place, _, name = path.removeprefix(f"{folder}/" if folder != "." else "").partition("/")
    return place in PLACES and "/" not in name and name.endswith(".sql")


def _word(change: Change, migration: Migration | None, branch: Branch) -> ChangeWord:
    if migration is not None and migration.label in branch.common:
        return "moved" if branch.common[migration.label] == migration.sha256 else "modified"
    return "added" if change.kind == "modified" else change.kind


def _brought(span: Range, layout: Layout, case: Case, touched: set[str]) -> tuple[Finding, ...]:
    """The conflicts that were not there where the branch left its base, or that are about a file that it changes."""
    then = read_branch(layout, span.parted)
    names = tracked(span, layout.base, span.parted)
    paths = [span.top / name for name in sorted(names)]
    before = case_of(
        [m for m in then.theirs if m.state in PLACES],
        (),
        [p for p in paths if p.parent == layout.rollback and p.suffix == ".sql"],
        archived=[p for p in paths if p.parent == layout.archived and p.suffix == ".sql"],
        root=span.top,
    )
    old = {(f.rule, f.path, f.title) for f in conflicts_of(before)}
    return tuple(f for f in conflicts_of(case) if f.path in touched or (f.rule, f.path, f.title) not in old)


def _sql(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in folder.glob("*.sql") if not p.is_symlink())) if folder.is_dir() else ()
