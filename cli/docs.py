"""agentdb docs: write the schema's documentation, or say which of its parts are stale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from ..tools.records import Migration
    from ..tools.schema.model import Snapshot
    from .context import ProjectContext, Target


def docs(
    target: str = typer.Option(None, "--target", "-t", help="Document this target as it is (it is only read)."),
    replay: bool = typer.Option(False, "--replay", help="Document what the migrations make, run one by one."),
    check: bool = typer.Option(False, "--check", help="Write nothing; exit with 1 and name what is stale."),
    out: Path = typer.Option(None, "--out", help="The folder to write to (default: docs.directory)."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
) -> None:
    """Write the schema's documentation and diagram, or say what is stale."""
    from ..errors import UsageError
    from .context import open_project

    if target and replay:
        raise UsageError("--target and --replay exclude each other", hint="Name one of them.")
    project = open_project()
    goal = None if replay else project.optional_target(target)
    folder = out or project.layout.docs_dir
    if goal is not None:
        snapshot, told = _from_target(project, goal)
        source = f"the schema of {goal.name}"
    else:
        snapshot, told = _from_migrations(project, with_history=not check)
        source = "the migrations, run one by one in the sandbox"
    if check:
        _check(snapshot, folder, source, format)
        return
    from ..tools.docs.write import write_docs

    written = write_docs(snapshot, folder, **told)
    if format == "json":
        from .screen import print_json

        print_json({"schema_version": 1, "source": source, "folder": folder, "files": list(written)})
        return
    from .screen import console, safe

    out_screen = console()
    tables = sum(1 for p in written if p.parent.name == "tables")
    pages = f"{tables} table{'' if tables == 1 else 's'}, {len(written)} files"
    out_screen.print(f"[good]documented[/good]  {pages}, from {safe(source)}")
    for name in ("schema/README.md", "schema/data_dictionary.md", "schema/erd.html", "schema/CHANGELOG.md"):
        out_screen.print(f"  {safe(_shown(folder / name))}")


def _check(snapshot: Snapshot, folder: Path, source: str, format: str) -> None:
    from ..tools.docs.write import stale_parts

    found = stale_parts(snapshot, folder)
    if format == "json":
        from .screen import print_json

        print_json({"schema_version": 1, "source": source, "folder": folder, "stale": list(found)})
    else:
        from .screen import console, safe

        out = console()
        if found:
            out.print(f"[bad]STALE[/bad]  {len(found)} part{'' if len(found) == 1 else 's'} of {safe(_shown(folder))}:")
            for part in found:
                out.print(f"  {safe(str(part))}")
            out.print("Run agentdb docs and commit what it writes. Compared with " + safe(source) + ".")
        else:
            out.print(f"[good]fresh[/good]  {safe(_shown(folder))} says what is in {safe(source)}")
    if found:
        raise typer.Exit(1)


def _from_target(project: ProjectContext, goal: Target) -> tuple[Snapshot, dict[str, Any]]:
    """The target's schema, and the migrations that its ledger has as applied."""
    from ..tools import files
    from ..tools.ledger import history
    from ..tools.schema.snapshot import read_snapshot
    from .ledger import looking

    with looking(goal) as connection:
        rows = history.rows(connection)
        snapshot = read_snapshot(connection)
    applied = history.applied(rows)
    known = files.discover(project.layout) if project.layout.base.is_dir() else ()
    return snapshot, {"ledger_rows": rows, "migrations": tuple(m for m in known if m.number in applied)}


def _from_migrations(project: ProjectContext, *, with_history: bool) -> tuple[Snapshot, dict[str, Any]]:
    """What the migrations make on an empty database, and the schema after each. A pending one that does not run ends
    the replay with a warning. Errors: SandboxError when an applied one, or the first, does not run."""
    from ..errors import SandboxError
    from ..tools import files
    from ..tools.docs.replay import replayed
    from ..tools.sandbox.server import sandbox_server
    from ..tools.schema.snapshot import read_snapshot
    from .test_screen import progress

    migrations: tuple[Migration, ...] = files.discover(project.layout)
    history: list[tuple[Migration, Snapshot]] = []
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with progress("starting the sandbox") as step, sandbox as server, server.create() as database:
        try:
            for migration, snapshot in replayed(database, migrations, each=with_history):
                step(f"ran {migration.label}")
                history.append((migration, snapshot))
        except SandboxError as error:
            done = migrations.index(history[-1][0]) + 1 if history else 0
            if not done or migrations[done].state != "pending":
                raise
            typer.echo(f"agentdb: documented up to {migrations[done - 1].label}; {error}", err=True)
        if not history:
            with database.connect() as connection:
                return read_snapshot(connection), {}
    ran = migrations[: migrations.index(history[-1][0]) + 1]
    return history[-1][1], {"migrations": ran, "history": history if with_history else ()}


def _shown(path: Path) -> str:
    """The path as a person types it from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
