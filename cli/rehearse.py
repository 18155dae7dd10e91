"""agentdb rehearse: a migration under synthetic traffic, behind a transaction that somebody forgot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from ..tools.ledger.execute import Limits
    from ..tools.records import Migration
    from ..tools.rehearse.rehearsal import Rehearsed
    from ..tools.sandbox.databases import SandboxDatabase
    from .context import ProjectContext, Target


def rehearse(
    file: Path = typer.Argument(..., help="The migration's file.", show_default=False),
    target: str = typer.Option(None, "--target", "-t", help="Start from this target's schema (it is only read)."),
    replay: bool = typer.Option(False, "--replay", help="Start from what the earlier migrations make."),
    rows: int = typer.Option(10_000, "--rows", min=1, max=1_000_000, help="Synthetic rows of each table touched."),
    max_wait: str = typer.Option("500ms", "--max-wait", help="The longest wait of a SELECT that is fine."),
    hold: str = typer.Option("4s", "--hold", help="How long the forgotten transaction holds the tables."),
    sessions: int = typer.Option(16, "--sessions", min=1, max=64, help="Sessions of the traffic."),
    write: bool = typer.Option(True, "--write/--no-write", help="Write the report's files."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
) -> None:
    """Run a migration under traffic and recommend lock_timeout and retries."""
    from ..errors import UsageError
    from ..tools.durations import seconds
    from ..tools.files import read_migration
    from ..tools.rehearse import report
    from ..tools.rehearse.rehearsal import Wishes
    from ..tools.rehearse.rehearsal import rehearse as run
    from ..tools.sandbox.server import sandbox_server
    from .context import open_project
    from .rehearse_screen import show
    from .screen import print_json
    from .test_screen import progress

    if target and replay:
        raise UsageError("--target and --replay exclude each other", hint="Name one of them.")
    goal, held = seconds(max_wait), seconds(hold)
    if not 0.01 <= goal <= 60:
        raise UsageError("--max-wait must lie between 10ms and 60s")
    if not 0.5 <= held <= 60:
        raise UsageError("--hold must lie between 500ms and 60s")
    project = open_project()
    migration = read_migration(file, project.layout)
    goal_target = None if replay else project.optional_target(target)
    meant = goal_target or (project.target() if len(project.settings.targets) == 1 else None)
    wishes = Wishes(hold=held, goal=goal, sessions=sessions, rows=rows, configured=limits(meant))
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with progress("starting the sandbox") as step, sandbox as server, server.create() as database:
        step("making the state before")
        source = prepare(project, goal_target, database, migration)
        found = run(server, database, migration, wishes, told=step)
    name = meant.name if meant else "NAME"
    written = report.write(found, project.layout.docs_dir / "reports", source, name) if write else ()
    if format == "json":
        print_json({**report.plain(found, source), "files": [_shown(p) for p in written]})
    else:
        show(found, source, [_shown(p) for p in written], name)
    if unmet(found):
        raise typer.Exit(1)


def prepare(project: ProjectContext, target: Target | None, database: SandboxDatabase, migration: Migration) -> str:
    """Make the state before with some rows; where it comes from, in words."""
    from ..tools.rehearse.rehearsal import SEEDS
    from ..tools.sandbox import before
    from ..tools.sandbox.rehearsal import run_earlier
    from ..tools.sandbox.seed import seed
    from .test import earlier

    if target is not None:
        before.from_target(database, target.dsn)
        run_earlier(database, earlier(project, migration, ("pending",)))
    else:
        before.from_migrations(database, earlier(project, migration, ("applied", "pending")))
    with database.connect() as connection:
        seed(connection, rows=SEEDS)
    return f"the schema of {target.name}" if target else "earlier migrations"


def limits(target: Target | None) -> Limits:
    """How agentdb apply would carry the migration to the target; its defaults without one."""
    from ..tools.ledger.execute import Limits

    if target is None:
        return Limits()
    said = target.settings
    return Limits(said.lock_timeout, said.statement_timeout, lock_attempts=said.lock_retries + 1)


def unmet(found: Rehearsed) -> bool:
    """Whether even the best way keeps readers waiting for longer than is fine."""
    return found.advice is not None and not found.advice.met


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
