"""agentdb apply: an approved plan, carried out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from ..errors import StatementError
    from ..tools.ledger.apply import ApplyResult
    from ..tools.ledger.approvals import Approval
    from .context import ProjectContext, Target


def apply(
    migrations: list[str] = typer.Argument(None, help="Where no approval is needed: numbers or names (default: all)."),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one)."),
    approval: Path = typer.Option(None, "--approval", help="The approval (default: the one in .agentdb/approvals)."),
    resume: bool = typer.Option(False, "--resume", help="Continue an interrupted run."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check everything, change nothing."),
    under_way: str = typer.Option("", "--under-way", help="An unclear interrupted statement is: done | again."),
    data: bool = typer.Option(
        None,
        "--data/--no-data",
        help="Count rows that a statement would refuse first (default: the target's data_checks).",
    ),
    wait: float = typer.Option(30.0, "--wait", help="Seconds to wait for another agentdb."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
) -> None:
    """Carry out an approved plan. Refused when a byte, the target or its state is not what was approved."""
    from ..errors import StatementError, UsageError, VerificationError
    from ..tools.ledger.apply import ApplyResult
    from ..tools.ledger.apply import apply as carry_out
    from . import ledger
    from .context import open_project

    if under_way not in ("", "done", "again"):
        raise UsageError("--under-way takes done or again")
    project = open_project()
    goal = project.target(target)
    signed = find_approval(project, goal, approval, migrations or [], "apply", resume)
    request = ledger.request(
        project,
        goal,
        signed,
        names=migrations or [],
        resume=resume,
        dry_run=dry_run,
        under_way=under_way,
        data=data,
        wait_seconds=wait,
    )
    try:
        show(carry_out(request), format)
    except StatementError as error:
        say_detail(error)
        raise
    except VerificationError as error:
        if isinstance(error.result, ApplyResult):
            show(error.result, format)
        raise


def say_detail(error: StatementError) -> None:
    """All that the server said, on this screen only: it may hold values of rows."""
    if error.detail and error.detail not in error.what:
        typer.echo(f"The server said: {error.detail}", err=True)


def find_approval(
    project: ProjectContext, goal: Target, given: Path | None, names: list[str], kind: str, resume: bool
) -> Approval | None:
    """The approval to go by: the file given, else the fitting one in .agentdb/approvals, None when there is none.

    Errors: UsageError when there is nothing to do; RefusedError for a file that is no approval.
    """
    from ..errors import UsageError
    from ..tools.databases.postgres import target_identity
    from ..tools.ledger import approvals, history
    from . import ledger

    if given:
        return approvals.read(given)
    kept = approvals.kept(project.layout.state_dir)
    with ledger.looking(goal) as conn:
        identity = target_identity(conn)
        rows = history.runs(conn)
        try:
            plan_sha256 = ledger.plan_for(project, goal, conn, names, kind).sha256
        except UsageError:
            if not resume:
                raise
            plan_sha256 = ""
    last = rows[-1:] if resume else ()
    begun = {r.approval_nonce for r in (*last, *(r for r in rows if resume and r.is_open)) if r.approval_nonce}
    return approvals.fitting(
        kept,
        plan_sha256=plan_sha256,
        kind=kind,
        environment=goal.settings.environment,
        system_identifier=identity["system_identifier"],
        database=identity["database"],
        begun=begun,
    )


def show(result: ApplyResult, format: str) -> None:
    """What was done."""
    from .screen import console, print_json, safe

    if format == "json":
        return print_json({"schema_version": 1, "apply": result})
    out = console()
    for one in result.done:
        tries = f", {one.attempts} attempts" if one.attempts > 1 else ""
        count = f"{one.statements} statement{'' if one.statements == 1 else 's'}"
        out.print(f"  [good]{one.status:<11}[/good] {safe(one.label)}  {count}, {one.seconds:.1f} s{tries}")
    if result.ledger_installed:
        out.print("  [note]installed[/note]   agentdb's ledger, schema agentdb")
    for note in result.notes:
        out.print(f"  [warn]note[/warn]        {safe(note)}")
    verification = result.verification
    if result.dry_run:
        out.print(f"Everything holds; nothing was changed on {safe(result.database)}. Run it without --dry-run.")
    elif verification.ok:
        out.print(f"[good]Verified:[/good] the schema of {safe(result.database)} is the expected one.")
    elif verification.ok is None:
        out.print(f"Done on {safe(result.database)} ({result.environment}).")
    for line in verification.differences:
        out.print(f"  {safe(line)}")
