"""agentdb approve: a person's signed decision on one plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ..tools.databases.dsn import Dsn
    from ..tools.ledger.plan import Plan
    from ..tools.ledger.purge import PurgePlan
    from .context import ProjectContext

SHOWN_LINES = 200


def approve(
    migrations: list[str] = typer.Argument(None, help="Numbers or names (default: all that are pending)."),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one)."),
    key: Path = typer.Option(None, "--key", help="SSH key to sign with; a .pub file uses ssh-agent."),
    name: str = typer.Option(None, "--as", help="Your name in the list of people who may approve."),
    rollback: bool = typer.Option(False, "--rollback", help="Approve taking the migrations back."),
    purge: bool = typer.Option(False, "--purge", help="Approve deleting what the migrations kept (rollback purge)."),
    reject: bool = typer.Option(False, "--reject", help="Sign a no."),
    expires: str = typer.Option(None, "--expires", help="How long it holds: 30m, 2h, 1d."),
    confirm: str = typer.Option(None, "--confirm", help="The database's name, typed ahead (for scripts)."),
    output: Path = typer.Option(None, "--output", "-o", help="Where to write the approval."),
) -> None:
    """Sign a plan: these bytes, this target, this state. The decision is written to a file; nothing runs."""
    from datetime import UTC, datetime, timedelta

    from ..errors import RefusedError, UsageError
    from ..tools.ledger import approvals, signing
    from . import ledger
    from .context import open_project
    from .rollback import purge as purging

    project = open_project()
    goal = project.target(target)
    signer, signers = ledger.signing_key(project, key), ledger.allowed_signers(project)
    span = ledger.duration(expires) if expires else timedelta(minutes=project.settings.approval.ttl_minutes)
    if purge and rollback:
        raise UsageError("--purge and --rollback exclude each other", hint="Name one of them.")
    plan: Plan | PurgePlan
    with ledger.looking(goal) as conn:
        if purge:
            plan, things = purging.plan_for(project, goal, conn, migrations or [])
            purging.show_plan(plan, things, goal.dsn)
        else:
            plan = ledger.plan_for(project, goal, conn, migrations or [], "rollback" if rollback else "apply")
            show(project, plan, goal.dsn)
    approver = name or signing.principal_of(signer, signers)
    if approver is None:
        raise UsageError(
            f"{signers.name} does not list this key, so nobody knows whose it is",
            where=str(signer),
            hint="Have its public half added there, or sign with another --key.",
        )
    typed = confirm if confirm is not None else _ask(plan, reject)
    if typed.strip() != plan.database:
        raise RefusedError(
            f"'{typed}' is not the name of the target's database; nothing was signed",
            reason="not-confirmed",
            hint=f"The database is {plan.database}.",
        )
    now = datetime.now(UTC)
    approval = approvals.sign(plan, approver=approver, key=signer, created=now, expires=now + span, approve=not reject)
    if not reject:  # what would be refused at the apply is better told now
        approvals.verify(approval, kind=plan.kind, environment=plan.environment, allowed_signers=signers, now=now)
    path = approvals.write(approval, output or approvals.path_for(project.layout.state_dir, plan.sha256))
    typer.echo(f"{'Rejected' if reject else 'Approved'} by {approver} until {approval.payload['expires'][:16]} UTC.")
    typer.echo(f"Written to {_shown(path, project.layout.root)}")
    if not reject:
        typer.echo(f"Next: {_next(plan, target)}{f' --approval {output}' if output else ''}")


def _next(plan: Plan | PurgePlan, target: str | None) -> str:
    """The command that carries the plan out."""
    from ..tools.ledger.plan import Plan

    flags = f" --target {target}" if target else ""
    if not isinstance(plan, Plan):
        return f"agentdb rollback purge {' '.join(f'--migration {x}' for x in plan.labels)} --run{flags}"
    numbers = " ".join(m.version for m in plan.migrations)
    command = f"agentdb rollback run {numbers}{flags}" if plan.kind == "rollback" else f"agentdb apply{flags}"
    return command + (" --resume" if plan.resumes or any(m.resume_from for m in plan.migrations) else "")


def show(project: ProjectContext, plan: Plan, dsn: Dsn) -> None:
    """Exactly what an approval of this plan would be about."""
    from .screen import console, safe

    out = console()
    word = "Take back" if plan.kind == "rollback" else "Apply"
    out.print(f"[head]{word} on {plan.environment}[/head]  plan {plan.sha256[:16]}")
    out.print(f"  target     {safe(plan.database)} at {safe(dsn.identity())}, system {plan.system_identifier}")
    out.print(f"  schema     {plan.fingerprint[:19]}")
    if plan.expected_fingerprint:
        out.print(f"  should be  {plan.expected_fingerprint[:19]} afterwards")
    if plan.ledger:
        names = ", ".join(name for _, name, _ in plan.ledger)
        out.print(f"  [warn]first use[/warn]  agentdb makes its own schema agentdb there ({names})")
    out.print()
    for number, m in enumerate(plan.migrations, start=1):
        back = m.certificate or ("a script, not certified" if m.rollback_sha256 else "none")
        count = f"{m.statements} statement{'' if m.statements == 1 else 's'}"
        how = "one transaction" if m.transactional else "each statement by itself"
        out.print(f"  {number}. [head]{safe(m.label)}[/head]  {count}, {how}")
        out.print(
            f"     sha256 {m.sha256[:16]}  rollback {back}"
            + (f" {m.rollback_sha256[:16]}" if m.rollback_sha256 else "")
        )
        if m.capture_sha256 and plan.kind == "apply":
            out.print(f"     rows kept first by capture script {m.capture_sha256[:16]}")
        if m.resume_from:
            out.print(f"     [warn]continues[/warn] after statement {m.resume_from} of an interrupted run")
        if m.out_of_order:
            out.print("     [warn]out of order[/warn]: a higher number is applied, and stays")
    out.print()
    _show_sql(project, plan)
    gone = [
        m.label for m in plan.migrations if m.certificate.startswith(("IMPOSSIBLE", "LOSSY")) or not m.rollback_sha256
    ]
    if plan.kind == "apply" and gone:
        out.print(f"[bad]Point of no return:[/bad] {safe(', '.join(gone))} cannot be taken back whole.")


def _show_sql(project: ProjectContext, plan: Plan) -> None:
    """The scripts themselves, when they are short enough to be read here."""
    from ..tools.ledger.plan import find, texts_of, way_back
    from .screen import console, safe

    out = console()
    for planned in plan.migrations:
        migration = find(project.layout, planned.label)
        texts = texts_of(migration, plan.kind)
        text, path = (texts.rollback, way_back(migration)) if plan.kind == "rollback" else (texts.up, migration.path)
        lines = text.rstrip("\n").splitlines()
        out.print(f"[quiet]-- {safe(_shown(path, project.layout.root))}[/quiet]")
        for line in lines[:SHOWN_LINES]:
            out.print(f"[quiet]|[/quiet] {safe(line)}")
        if len(lines) > SHOWN_LINES:
            out.print(f"[warn]... and {len(lines) - SHOWN_LINES} more lines: read the file before you sign[/warn]")
        out.print()


def _shown(path: Path | None, root: Path) -> str:
    return str(path.relative_to(root) if path and path.is_relative_to(root) else path)


def _ask(plan: Plan | PurgePlan, reject: bool) -> str:
    import sys

    from ..errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            "an approval is a person's word, and nobody is at this terminal",
            hint="Run it in a terminal, or give --confirm with the database's name.",
        )
    word = "reject" if reject else "approve"
    return str(
        typer.prompt(
            f"Type the name of the target's database ({plan.environment}) to {word}", default="", show_default=False
        )
    )
