"""The application's queries on every schema of a rollout; part of check and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AgentdbError, UsageError

if TYPE_CHECKING:
    from ..tools.appcompat.model import Compatibility, Corpus
    from ..tools.appcompat.rollout import Script
    from ..tools.databases.dsn import Dsn
    from ..tools.sandbox.databases import SandboxDatabase
    from .checking import Checked, Wishes
    from .context import ProjectContext

LEFT_OUT_SHOWN = 3


def corpus_of(
    project: ProjectContext | None, given: Path | None, target: Dsn | None
) -> tuple[Corpus | None, list[str]]:
    """(the queries, notes): those of the folder given, else of hazards.queries, and those that the target counts; None
    when there are none to look for. Errors: UsageError when the folder is none."""
    from ..tools.appcompat.corpus import gather

    folder = given
    if folder is None and project is not None and project.settings.hazards.queries:
        folder = project.settings.root / project.settings.hazards.queries
        if not folder.is_dir():
            raise UsageError(
                "hazards.queries is not a folder",
                where=str(folder),
                hint="Name a folder of .sql files in agentdb.toml.",
            )
    found, problem = gather(folder, target, root=Path.cwd())
    return found, [problem] if problem else []


def look_at(database: SandboxDatabase, scripts: Sequence[Script], corpus: Corpus) -> Compatibility:
    """What the scripts do to the queries, on a sandbox database with the schema before; it is changed.
    Errors: AgentdbError."""
    import psycopg

    from ..errors import SandboxError
    from ..tools.appcompat.rollout import look

    try:
        return look(database, scripts, corpus)
    except psycopg.Error as error:
        raise SandboxError(f"the queries could not be prepared: {str(error).strip().splitlines()[0]}") from None


def script_of(one: Checked) -> Script:
    """A file of a check as it will be carried."""
    from ..tools.appcompat.rollout import Script

    migration = one.source.migration
    if migration is not None:
        return Script(one.source.path, one.source.sql, migration.label, migration.no_transaction)
    return Script(one.source.path, one.source.sql, Path(one.source.path).name, not one.context.in_transaction)


def notes_on(found: Compatibility) -> list[str]:
    """What a reader should know of the look itself."""
    notes = [found.line]
    notes += [f"Left out: {place}: {why}." for place, why in found.left_out[:LEFT_OUT_SHOWN]]
    if more := len(found.left_out) - LEFT_OUT_SHOWN:
        notes += [f"Left out: {more} more."] if more > 0 else []
    return notes + ([f"Later schemas were not looked at: {found.broken_off}."] if found.broken_off else [])


def add(checked: Sequence[Checked], found: Compatibility) -> list[str]:
    """Add what was seen to the findings of the files that it is about; notes."""
    from ..tools.appcompat.findings import findings

    start = 1 + sum(e.id.startswith("Q-") for one in checked for e in one.evidence)
    made, evidence = findings(found, start=start, severity=checked[0].context.severity if checked else None)
    for one in checked:
        mine = tuple(f for f in made if f.path == one.source.path)
        marks = {mark for f in mine for mark in f.evidence}
        together = [*one.findings, *mine]
        one.findings = tuple(sorted(together, key=lambda f: (f.statement is None, f.statement or 0)))
        one.evidence = (*one.evidence, *(e for e in evidence if e.id in marks))
    return notes_on(found)


def look_into(
    checked: Sequence[Checked],
    before: Callable[[], SandboxDatabase],
    project: ProjectContext | None,
    wishes: Wishes,
    target: Dsn | None,
) -> list[str]:
    """The whole of it for files that are one rollout: queries found, prepared, and what was seen added; notes. Without
    queries functions and views are looked at all the same, where a file may take something away.
    before: makes a sandbox database with the schema before."""
    from ..tools.appcompat.model import Corpus
    from ..tools.appcompat.rollout import takes_away

    try:
        corpus, notes = corpus_of(project, wishes.queries, target)
        scripts = [script_of(one) for one in checked]
        if corpus is None and not takes_away(scripts):
            return notes
        with before() as database:
            found = look_at(database, scripts, corpus or Corpus())
        told = add(checked, found)
        return [*notes, *(told if corpus is not None else ())]
    except UsageError:
        raise
    except AgentdbError as error:
        return [f"Application's queries were not looked at: {error}."]
