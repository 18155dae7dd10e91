"""The state before a migration, in the sandbox, as a flag says where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...tools.records import Migration
    from ...tools.rollback.stage import Stage
    from ...tools.sandbox.server import SandboxServer


@contextmanager
def before(
    file: Path, target: str | None, replay: bool, dsn_env: str | None, history: Path | None, rows: int | None
) -> Iterator[tuple[Migration, SandboxServer, Stage, bool]]:
    """The migration and the state before it; the last value is whether that is a sandbox database of our own."""
    import os

    from ...errors import UsageError
    from ...tools.databases.dsn import dsn_from_environment
    from ...tools.files import read_migration
    from ...tools.rollback import stage as stages
    from ...tools.rollback.private import private_database

    if sum(map(bool, (target, replay, dsn_env))) > 1:
        raise UsageError("--target, --replay and --dsn-env exclude each other", hint="Name one of them.")
    if dsn_env:
        with private_database(dsn_from_environment(dsn_env, os.environ)) as (server, database):
            yield read_migration(file), server, stages.Stage(database), False
        return
    from ...tools.sandbox.server import sandbox_server  # a project is only read where the state comes from one
    from .. import test_screen as screen
    from ..context import open_project
    from ..test import earlier

    project = open_project()
    migration = read_migration(file, project.layout)
    goal = None if replay or history else project.optional_target(target)
    settings = project.settings.sandbox
    if history:
        replayed = _files_of(history, file)
    else:
        replayed = () if goal else earlier(project, migration, ("applied", "pending"))
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with screen.progress("starting the sandbox") as step, sandbox as server:
        step(f"the state before {migration.label}")
        with stages.before(
            server,
            migration,
            target=goal.dsn if goal else None,
            replayed=replayed,
            earlier=earlier(project, migration, ("pending",)) if goal else (),
            rows=settings.rows if rows is None else rows,
        ) as stage:
            step(f"the way back of {migration.label}")
            yield migration, server, stage, True


def _files_of(folder: Path, file: Path) -> tuple[Migration, ...]:
    """The migrations in a folder by name, without down and capture scripts and without the file itself."""
    from ...errors import UsageError
    from ...tools.files import read_migration

    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), hint="Check --history.")
    undo = (".down.sql", ".capture.sql", ".pre.sql")
    paths = [p for p in sorted(folder.glob("*.sql")) if not p.name.endswith(undo) and p.resolve() != file.resolve()]
    return tuple(read_migration(p) for p in paths)
