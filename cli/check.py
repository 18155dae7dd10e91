"""agentdb check: name the hazards in migrations, by reading them and by running them in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .outputs import FORMATS

if TYPE_CHECKING:
    from .checking import Wishes

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
    fix: bool = typer.Option(False, "--fix", help="Rewrite hazards into their safe forms where the sandbox proves it."),
    let_model_draft: bool = typer.Option(
        False, "--let-model-draft", help="With --fix: ask the model where no known form passes; the same proof decides."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="With --fix: show the rewrites, write nothing."),
) -> None:
    """Name the hazards in migrations."""
    from ..errors import UsageError
    from .checking import Wishes, findings_of
    from .outputs import render

    if format not in FORMATS:
        raise UsageError(f"there is no format '{format}'", hint=f"Formats: {', '.join(FORMATS)}.")
    if fail_on is not None and fail_on not in FAIL_ON:
        raise UsageError(f"--fail-on cannot be '{fail_on}'", hint=f"Write one of {', '.join(FAIL_ON)}.")
    wishes = Wishes(
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
    if fix or dry_run or let_model_draft:
        _fix(wishes, format, dry_run, let_model_draft, asked=fix)
        return
    report = findings_of(wishes)
    typer.echo(render(format, report, command="check"), nl=False)
    if not report.passed:
        raise typer.Exit(1)


def _fix(wishes: Wishes, format: str, dry_run: bool, ask_model: bool, *, asked: bool) -> None:
    """Offer rewrites, and write those that are proven."""
    from ..errors import UsageError
    from .fixing import fix
    from .fixing_screen import FORMATS, render

    if not asked:
        word = "--dry-run" if dry_run else "--let-model-draft"
        raise UsageError(f"{word} goes with --fix", hint=f"agentdb check FILE --fix {word}")
    if wishes.static:
        raise UsageError("--fix needs the sandbox, and --static forbids it", hint="Leave --static out.")
    if format not in FORMATS:
        raise UsageError(f"--fix does not print '{format}'", hint=f"Formats: {', '.join(FORMATS)}.")
    fixes = fix(wishes, write=not dry_run, ask_model=ask_model)
    typer.echo(render(format, fixes, dry_run=dry_run), nl=False)
    if not fixes.passed:
        raise typer.Exit(1)
