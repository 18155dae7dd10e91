"""agentdb rollback: draft the way back of a migration, prove it, check one that is there, carry one out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from ..tools.records import Certificate, Migration
    from ..tools.rollback.stage import Stage
    from ..tools.sandbox.server import SandboxServer

rollback = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Draft, prove, check or run the way back.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

FILE = typer.Argument(..., help="The migration's file.", show_default=False)
TARGET = typer.Option(None, "--target", "-t", help="Start from this target's schema (it is only read).")
REPLAY = typer.Option(False, "--replay", help="Start from what the earlier migrations make.")
HISTORY = typer.Option(None, "--history", help="Start from what the .sql files of this folder make, in name order.")
DSN_ENV = typer.Option(
    None, "--dsn-env", help="Variable with the DSN of a private database in the state before; it is changed."
)
ROWS = typer.Option(None, "--rows", min=0, help="Synthetic rows a table (default: sandbox.rows).")
FORMAT = typer.Option("text", "--format", help="text | json.")


@rollback.command("draft")
def draft(
    file: Path = FILE,
    target: str = TARGET,
    replay: bool = REPLAY,
    dsn_env: str = DSN_ENV,
    history: Path = HISTORY,
    out: Path = typer.Option(
        None, "--out", help="Write the rollback here (default: the project's migrations/rollback)."
    ),
    pre: Path = typer.Option(
        None, "--pre", help="Write the capture script here, made to run on its own just before the migration."
    ),
    no_data: bool = typer.Option(False, "--no-data", help="Undo the schema only; keep no copies of rows."),
    force: bool = typer.Option(False, "--force", help="Overwrite a rollback that is there."),
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Draft the rollback of a migration, prove it in the sandbox, and write it."""
    from ..tools.rollback.rehearse import rehearse

    with _before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, own):
        made = rehearse(
            server, stage.database, migration, data=not no_data, together=False if pre else None, in_place=not own
        )
    paths = _write(file, migration, made.text, made.capture_text, out, pre, force)
    _show(made.certificate, migration, paths, (*stage.notes, *made.draft.notes), format, made.text)
    raise typer.Exit(3 if made.certificate.klass.value == "IMPOSSIBLE" else 0)


@rollback.command("check")
def check(
    file: Path = FILE,
    down: Path = typer.Option(None, "--down", help="The rollback (default: the one in migrations/rollback)."),
    pre: Path = typer.Option(None, "--pre", help="Its capture script, run on its own just before the migration."),
    target: str = TARGET,
    replay: bool = REPLAY,
    dsn_env: str = DSN_ENV,
    history: Path = HISTORY,
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Certify a rollback that is there, whoever wrote it. Exits with 1 when it loses rows, 3 when it is not proven."""
    from ..errors import UsageError
    from ..tools.files import read_text
    from ..tools.rollback.proof import prove

    with _before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, own):
        path = down or migration.rollback_path
        if path is None:
            raise UsageError(
                "this migration has no rollback to check",
                where=str(file),
                hint=f"Name it with --down, or write one: agentdb rollback draft {file}",
            )
        kept = pre or (migration.capture_path if down is None else None)
        certificate = prove(
            server,
            stage.database,
            migration,
            read_text(path),
            read_text(kept) if kept else "",
            together=pre is None,
            in_place=not own,
        )
    _show(certificate, migration, {}, stage.notes, format, "")
    if certificate.klass.value == "IMPOSSIBLE" or not certificate.proven:
        raise typer.Exit(3)
    raise typer.Exit(1 if certificate.klass.value == "LOSSY" else 0)


@rollback.command("run")
def run(
    versions: list[str] = typer.Argument(
        ..., help="Numbers or names of the migrations to take back.", show_default=False
    ),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one)."),
    approval: Path = typer.Option(None, "--approval", help="The approval (default: the one in .agentdb/approvals)."),
    resume: bool = typer.Option(False, "--resume", help="Continue an interrupted run."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check everything, change nothing."),
    wait: float = typer.Option(30.0, "--wait", help="Seconds to wait for another agentdb."),
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Carry out an approved rollback (agentdb approve --rollback VERSION) on a target."""
    from ..errors import StatementError, VerificationError
    from ..tools.ledger.apply import ApplyResult, roll_back
    from . import ledger
    from .apply import find_approval, say_detail, show
    from .context import open_project

    project = open_project()
    goal = project.target(target)
    signed = find_approval(project, goal, approval, versions, "rollback", resume)
    request = ledger.request(project, goal, signed, names=versions, resume=resume, dry_run=dry_run, wait_seconds=wait)
    try:
        show(roll_back(request), format)
    except StatementError as error:
        say_detail(error)
        raise
    except VerificationError as error:
        if isinstance(error.result, ApplyResult):
            show(error.result, format)
        raise


@contextmanager
def _before(
    file: Path, target: str | None, replay: bool, dsn_env: str | None, history: Path | None, rows: int | None
) -> Iterator[tuple[Migration, SandboxServer, Stage, bool]]:
    """The migration and the state before it; the last value is whether that is a sandbox database of our own."""
    import os

    from ..errors import UsageError
    from ..tools.databases.dsn import dsn_from_environment
    from ..tools.files import read_migration
    from ..tools.rollback.private import private_database
    from ..tools.rollback.stage import Stage, before
    from ..tools.sandbox.server import sandbox_server
    from . import test_screen as screen
    from .context import open_project
    from .test import earlier

    if sum(map(bool, (target, replay, dsn_env))) > 1:
        raise UsageError("--target, --replay and --dsn-env exclude each other", hint="Name one of them.")
    if dsn_env:
        with private_database(dsn_from_environment(dsn_env, os.environ)) as (server, database):
            yield read_migration(file), server, Stage(database), False
        return
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
        with before(
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
    from ..errors import UsageError
    from ..tools.files import read_migration

    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), hint="Check --history.")
    undo = (".down.sql", ".capture.sql", ".pre.sql")
    paths = [p for p in sorted(folder.glob("*.sql")) if not p.name.endswith(undo) and p.resolve() != file.resolve()]
    return tuple(read_migration(p) for p in paths)


def _write(
    file: Path, migration: Migration, text: str, capture: str, out: Path | None, pre: Path | None, force: bool
) -> dict[str, Path]:
    """Where the two scripts went; {} when they are for the screen."""
    from ..errors import UsageError
    from ..tools.files import write_whole
    from ..tools.rollback.draft import label_of

    places: dict[str, Path] = {}
    if out is None and file.resolve().parent.name in ("pending", "applied"):
        folder = file.resolve().parent.parent / "rollback"
        out, force_needed = folder / f"{label_of(migration)}.sql", True
        pre = pre or folder / f"{label_of(migration)}.capture.sql"
        if out.exists() and not force and out.read_text(encoding="utf-8", errors="replace") != text:
            raise UsageError(
                "there is another rollback already",
                where=str(out),
                hint="Say --force to overwrite it, or --out FILE to write beside it. `agentdb rollback check` certifies it.",
            )
        if not capture and pre.exists() and force_needed:
            pre.unlink()
    if out is not None:
        places["rollback"] = write_whole(out, text)
        if capture:
            places["capture"] = write_whole(pre or out.with_name(f"{out.stem}.capture.sql"), capture)
    elif pre is not None and capture:
        places["capture"] = write_whole(pre, capture)
    return places


def _show(
    certificate: Certificate,
    migration: Migration,
    paths: dict[str, Path],
    notes: tuple[str, ...],
    format: str,
    text: str,
) -> None:
    from .screen import console, print_json, safe

    if format == "json":
        return print_json(
            {
                "schema_version": 1,
                "migration": migration.label,
                "certificate": certificate,
                "files": paths,
                "notes": notes,
                **({} if paths or not text else {"sql": text}),
            }
        )
    out = console()
    good = certificate.proven and certificate.klass.value in ("LOSSLESS", "SCHEMA_ONLY")
    style = "good" if good else "bad" if certificate.klass.value == "IMPOSSIBLE" else "warn"
    out.print(f"[{style}]{safe(certificate.line)}[/]")
    for loss in certificate.losses:
        columns = f" ({', '.join(loss.columns)})" if loss.columns else ""
        count = "" if loss.rows is None else f"{loss.rows} rows, "
        out.print(f"  not brought back: {safe(loss.table + columns)}: {safe(count + loss.why)}")
    for difference in certificate.differences:
        out.print(f"  differs: {safe(difference)}")
    for note in notes:
        out.print(f"  note: {safe(note)}")
    for step in certificate.steps:
        mark = "[good]ok[/]  " if step["ok"] else "[bad]no[/]  "
        out.print(f"  {mark}{step['step']:<18} {safe(str(step['detail'])[:160])}")
    for what, path in paths.items():
        out.print(f"{what} written to {safe(str(path))}")
    if not paths and text:
        typer.echo()
        typer.echo(text, nl=False)
