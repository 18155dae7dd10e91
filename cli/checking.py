"""From what the user asked for to a report of findings: which files, which schema before them, measured or not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UsageError
from ..tools.files import Layout, read_text
from ..tools.hazards.context import Context
from ..tools.hazards.registry import by_id, nearest
from ..tools.hazards.report import Report
from ..tools.hazards.run import Session, numbered
from ..tools.naming import parse_name
from ..tools.records import Evidence, Finding, Severity
from ..tools.sql.parse import Script, parse
from .sources import Place, Source, changed_since, from_paths, read
from .spread import spread

if TYPE_CHECKING:
    from .context import ProjectContext


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wishes:
    """What the command line said; None where it said nothing."""

    files: tuple[Path, ...] = ()
    static: bool = False
    fail_on: str | None = None
    in_transaction: bool | None = None
    pg_version: int | None = None
    schema_dir: Path | None = None
    target: str | None = None
    data: bool | None = None
    queries: Path | None = None
    since: str | None = None
    enable: tuple[str, ...] = ()


class Rules(NamedTuple):
    """The project's word on findings."""

    fail_on: str = "error"
    pg_version: int = 18
    severity: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, eq=False, repr=False)
class Checked:
    """One file's findings on the way to the report. script: None where nobody will look at it again."""

    source: Source
    script: Script | None
    findings: tuple[Finding, ...]
    context: Context
    statements: int = 0
    evidence: tuple[Evidence, ...] = ()


def looked_at(wishes: Wishes) -> tuple[ProjectContext | None, Rules, Context, list[Checked]]:
    """(the project, its word on findings, what is known of the world, the files read). Errors: UsageError, ConfigError."""
    project = _project()
    rules = _rules(wishes, project)
    for name in (*wishes.enable, *rules.severity):
        if name != "all" and name not in by_id():
            close = nearest(name, 1)
            raise UsageError(f"there is no rule '{name}'", hint=f"Did you mean {close[0]}?" if close else "")
    context = Context(pg_version=rules.pg_version, severity=rules.severity, enabled=wishes.enable, in_transaction=False)
    if wishes.target is not None:
        context = _known_from(project, wishes, wishes.target, context)
    if not wishes.files and wishes.schema_dir is None:
        checked = _pending(project, context, wishes)
    elif (
        project is not None and wishes.schema_dir is None and (mine := _migrations_named(project.layout, wishes.files))
    ):
        checked = _pending(project, context, wishes, mine)
    else:
        places = from_paths(wishes.files or (Path("."),), wishes.schema_dir)
        checked = _plain(_kept(places, wishes.since), context, wishes)
    return project, rules, context, checked


def findings_of(wishes: Wishes) -> Report:
    """The report of a check. Errors: UsageError, ConfigError."""
    project, rules, context, checked = looked_at(wishes)
    notes: list[str] = []
    measured = False
    if not wishes.static and checked:
        from .measuring import measure

        measured, notes = measure(checked, project, wishes)
    if checked and (wishes.data or project is not None):
        from .rows import ask_rows

        notes += ask_rows(checked, project, wishes)
    found = [f for one in checked for f in one.findings]
    return Report(
        numbered(found),
        evidence=tuple(e for one in checked for e in one.evidence),
        paths=tuple(one.source.path for one in checked),
        statements=sum(one.statements for one in checked),
        fail_on=rules.fail_on,
        pg_version=context.pg_version,
        measured=measured,
        notes=tuple(notes),
    )


def _known_from(project: ProjectContext | None, wishes: Wishes, name: str, context: Context) -> Context:
    """The context with the schema, row counts, time zone and (where nobody said another) version of a target, read in
    a transaction that can write nothing.

    Errors: ConfigError, DatabaseError.
    """
    from ..tools.databases.postgres import connect
    from ..tools.schema.snapshot import read_snapshot
    from .measuring import estimated_rows

    if project is None:
        raise UsageError("there is no agentdb.toml that says where the target is", hint="Run `agentdb init`.")
    with connect(project.target(name).dsn, options={"default_transaction_read_only": "on"}) as connection:
        said = wishes.pg_version or project.settings.hazards.pg_version
        return replace(
            context,
            before=read_snapshot(connection),
            table_rows=estimated_rows(connection),
            time_zone=str(connection.info.parameter_status("TimeZone") or ""),
            pg_version=said or connection.info.server_version // 10000,
        )


def _project() -> ProjectContext | None:
    """The project around the working directory; None without agentdb.toml, so that pydantic need not be loaded."""
    here = Path.cwd()
    if not any((folder / "agentdb.toml").is_file() for folder in (here, *here.parents)):
        return None
    from .context import open_project

    return open_project()


def _rules(wishes: Wishes, project: ProjectContext | None) -> Rules:
    if project is None:
        said = os.environ.get("AGENTDB_FAIL_ON", "error")
        if said not in ("info", "warning", "error", "never"):
            raise UsageError(f"AGENTDB_FAIL_ON cannot be '{said}'", hint="Write info, warning, error or never.")
        made = Rules(fail_on=said)
    else:
        hazards = project.settings.hazards
        made = Rules(hazards.fail_on, hazards.pg_version or 18, hazards.severity)
    return made._replace(fail_on=wishes.fail_on or made.fail_on, pg_version=wishes.pg_version or made.pg_version)


def _kept(places: Sequence[Place], since: str | None) -> list[Place]:
    if since is None:
        return list(places)
    changed = changed_since(since, Path.cwd())
    return [p for p in places if p.path.resolve() in changed]


def _plain(places: Sequence[Place], context: Context, wishes: Wishes) -> list[Checked]:
    """Files by themselves: each finds the schema that its setup builds, or one of which nothing is known."""
    setups: dict[tuple[Path, ...], tuple[Script, ...]] = {}
    looked_at_again = not wishes.static or bool(wishes.data)

    def checked(place: Place) -> Checked:
        source = read(*place)
        script = parse(source.sql, objects=looked_at_again)
        own = context
        if source.setup is not None:
            if source.setup not in setups:
                setups[source.setup] = tuple(parse(s.sql) for s in map(read, source.setup) if s.problem is None)
            own = replace(context, setup=setups[source.setup], schema_complete=True)
        wrapped = wishes.in_transaction if wishes.in_transaction is not None else bool(source.in_transaction)
        return _check(source, script, own if own.in_transaction == wrapped else replace(own, in_transaction=wrapped))

    if looked_at_again:
        return [checked(place) for place in places]

    def found_in(number: int) -> tuple[tuple[Finding, ...], int]:
        one = checked(places[number])
        return one.findings, one.statements

    return [
        Checked(Source(str(place.path)), None, findings, context, statements)
        for place, (findings, statements) in zip(places, spread(found_in, len(places)), strict=True)
    ]


def _check(source: Source, script: Script, context: Context) -> Checked:
    if source.problem is not None:
        found: tuple[Finding, ...] = (_unreadable(source),)
    else:
        found = Session(context).check(script, path=source.path, in_transaction=context.in_transaction)
    return Checked(source, script, found, context, len(script.statements))


def _unreadable(source: Source) -> Finding:
    problem = source.problem
    assert problem is not None
    rule = by_id()["unreadable-file"]
    line = problem.where.rpartition(":")[2]
    return Finding(
        rule.id,
        Severity.ERROR,
        rule.title,
        f"This file cannot be read as SQL: {problem.what}. Nothing in it was checked.",
        problem.hint,
        path=source.path,
        line=int(line) if line.isdigit() else 0,
    )


def _migrations_named(layout: Layout, files: Sequence[Path]) -> frozenset[Path]:
    """The files, when each lies in the project's pending/ or applied/; else nothing: they are files by themselves."""
    places = {layout.pending.resolve(), layout.applied.resolve()}
    named = [f.resolve() for f in files]
    mine = all(f.is_file() and f.parent in places and parse_name(f.name) is not None for f in named)
    return frozenset(named) if mine else frozenset()


def _pending(
    project: ProjectContext | None, context: Context, wishes: Wishes, named: frozenset[Path] = frozenset()
) -> list[Checked]:
    """The project's pending migrations (or those named) as one change: each finds what those before it made."""
    from ..tools.files import discover

    layout = project.layout if project is not None else Layout(Path.cwd())
    for one in sorted(named):
        read_text(one)  # what is wrong with a file that was named is said of it, not of another
    migrations = discover(layout)
    pending = [m for m in migrations if (m.path.resolve() in named if named else m.state == "pending")]
    if wishes.since is not None:
        changed = changed_since(wishes.since, layout.root)
        pending = [m for m in pending if m.path.resolve() in changed]
    chosen = {m.path for m in pending}
    first = min((m.number for m in pending), default=0)
    before = tuple(
        parse(m.sql) for m in migrations if m.path not in chosen and (m.number < first or m.state == "applied")
    )
    context = replace(
        context,
        setup=() if context.before is not None else before,
        schema_complete=bool(before),
        lock_timeout_set=True,
        splits=True,
        in_transaction=True,
    )
    session = Session(context)
    made = []
    for migration in pending:
        path = _shown(migration.path)
        source = Source(path, migration.sql, migration=migration)
        wrapped = wishes.in_transaction if wishes.in_transaction is not None else not migration.no_transaction
        script = parse(migration.sql)
        found = session.check(script, path=path, in_transaction=wrapped)
        made.append(Checked(source, script, found, context, len(script.statements)))
    return made


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
