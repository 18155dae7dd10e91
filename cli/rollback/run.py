"""agentdb rollback run: an approved rollback, carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer

from .options import FORMAT


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
    from ...errors import StatementError, VerificationError
    from ...tools.ledger.apply import ApplyResult, roll_back
    from .. import ledger
    from ..apply import find_approval, say_detail, show
    from ..context import open_project

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
