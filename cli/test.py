"""agentdb test: one migration run in the sandbox, and what each statement did there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from ..tools.records import Migration
    from ..tools.sandbox.databases import SandboxDatabase
    from .context import ProjectContext, Target


def test(
    file: Path = typer.Argument(..., help="The migration's file.", show_default=False),
    target: str = typer.Option(None, "--target", "-t", help="Start from this target's schema (it is only read)."),
    replay: bool = typer.Option(False, "--replay", help="Start from what the earlier migrations make."),
    queries: Path = typer.Option(
        None, metavar="DIR", help="The application's queries: .sql files to prepare before and after."
    ),
    rows: int = typer.Option(None, "--rows", min=0, help="Synthetic rows a table (default: sandbox.rows)."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
    keep: bool = typer.Option(False, "--keep", help="Keep the sandbox database and say how to get in."),
) -> None:
    """Run a migration in the sandbox and show what each statement did."""
    from ..errors import UsageError
    from ..tools.appcompat.rollout import Script
    from ..tools.durations import seconds
    from ..tools.files import read_migration
    from ..tools.sandbox.rehearsal import rehearse
    from ..tools.sandbox.server import sandbox_server
    from . import test_screen as screen
    from .context import open_project
    from .queries import corpus_of, look_at

    if target and replay:
        raise UsageError("--target and --replay exclude each other", hint="Name one of them.")
    project = open_project()
    migration = read_migration(file, project.layout)
    goal = None if replay else project.optional_target(target)
    settings = project.settings.sandbox
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with screen.progress("starting the sandbox") as step, sandbox as server, server.create() as database:
        step(f"rehearsing {migration.label}")
        found = rehearse(
            database,
            migration,
            target=goal.dsn if goal else None,
            replayed=() if goal else earlier(project, migration, ("applied", "pending")),
            earlier=earlier(project, migration, ("pending",)) if goal else (),
            rows=settings.rows if rows is None else rows,
            timeout=seconds(settings.statement_timeout),
            server=server,
        )
        application = None
        corpus, notes = corpus_of(project, queries, goal.dsn if goal else None)
        if corpus is not None:
            step("preparing the application's queries")
            with server.create() as other:
                stand(other, project, migration, goal)
                script = Script(str(file), migration.sql, migration.label, migration.no_transaction)
                application = look_at(other, [script], corpus)
        kept = way_in(database) if keep else ""
    source = f"the schema of {goal.name}" if goal else "earlier migrations"
    if format == "json":
        screen.print_json(found, source, kept, application)
    else:
        screen.show(found, source, kept)
        screen.show_application(application, notes)
    if found.verdict != "ok":
        raise typer.Exit(3)


def stand(database: SandboxDatabase, project: ProjectContext, migration: Migration, goal: Target | None) -> None:
    """Bring a database to the state before the migration, without rows."""
    from ..tools.sandbox import before
    from ..tools.sandbox.rehearsal import run_earlier

    if goal is not None:
        before.from_target(database, goal.dsn)
        run_earlier(database, earlier(project, migration, ("pending",)))
    else:
        before.from_migrations(database, earlier(project, migration, ("applied", "pending")))


def earlier(project: ProjectContext, migration: Migration, states: tuple[str, ...]) -> tuple[Migration, ...]:
    """The project's migrations that come before this one; for a file from elsewhere, all that are applied."""
    from ..tools.files import discover

    if not project.layout.base.is_dir():
        return ()
    every = discover(project.layout)
    if not any(m.path.resolve() == migration.path.resolve() for m in every):
        return tuple(m for m in every if m.state == "applied" and m.state in states)
    return tuple(m for m in every if m.state in states and m.number < migration.number)


def way_in(database: SandboxDatabase) -> str:
    """Keep the database; the command that opens it."""
    database.keep()
    parts = database.dsn.parts()
    options = " ".join(
        f"-{letter} {parts[key]}"
        for letter, key in zip("hpUd", ("host", "port", "user", "dbname"), strict=True)
        if key in parts
    )
    return f"psql {options}"
