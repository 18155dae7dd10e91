"""agentdb check: name the hazards in migrations, by reading them and by running them in the sandbox."""

from __future__ import annotations

from pathlib import Path

import typer

from .outputs import FORMATS

FAIL_ON = ("info", "warning", "error", "never")


def check(
    files: list[Path] = typer.Argument(None, help="Files or folders (default: the project's pending migrations)."),
    static: bool = typer.Option(False, "--static", help="Read only: run nothing in the sandbox."),
    format: str = typer.Option("text", help=f"How to print: {', '.join(FORMATS)}."),
    fail_on: str = typer.Option(None, help="Exit with 1 from this severity on: info, warning, error or never."),
    in_transaction: bool = typer.Option(
        None,
        "--in-transaction/--no-transaction",
        help="Whether the runner wraps each file in a transaction (default: as the project applies it; plain files: no).",
    ),
    pg_version: int = typer.Option(None, min=10, max=99, help="The target's PostgreSQL version (default: 18)."),
    schema_dir: Path = typer.Option(
        None, help="SQL that builds the schema before: a file of the same name, or all files in the folder."
    ),
    target: str = typer.Option(None, help="Take the schema and row counts from this target."),
    data: bool = typer.Option(
        None, "--data/--no-data", help="Count rows of the target that a statement would refuse (default: data_checks)."
    ),
    queries: Path = typer.Option(
        None, metavar="DIR", help="The application's queries: .sql files to prepare on every schema of the rollout."
    ),
    since: str = typer.Option(None, metavar="REF", help="Only files that differ from this git commit."),
    enable: list[str] = typer.Option(None, metavar="RULE", help="Switch on a rule that is off ('all': every rule)."),
) -> None:
    """Name the hazards in migrations."""
    from ..errors import UsageError
    from .checking import Wishes, findings_of
    from .outputs import render

    if format not in FORMATS:
        raise UsageError(f"there is no format '{format}'", hint=f"Formats: {', '.join(FORMATS)}.")
    if fail_on is not None and fail_on not in FAIL_ON:
        raise UsageError(f"--fail-on cannot be '{fail_on}'", hint=f"Write one of {', '.join(FAIL_ON)}.")
    report = findings_of(
        Wishes(
            files=tuple(files or ()),
            static=static,
            fail_on=fail_on,
            in_transaction=in_transaction,
            pg_version=pg_version,
            schema_dir=schema_dir,
            target=target,
            data=data,
            queries=queries,
            since=since,
            enable=tuple(enable or ()),
        )
    )
    typer.echo(render(format, report, command="check"), nl=False)
    if not report.passed:
        raise typer.Exit(1)
