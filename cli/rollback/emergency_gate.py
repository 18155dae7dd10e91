"""The approval for going back: the one that a person gave for exactly this plan, or gives now. It signs only for a
person at a terminal; what it hands on is verified again by tools/ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ...errors import RefusedError
    from ...tools.ledger.approvals import Approval
    from ...tools.ledger.plan import Plan
    from ..context import ProjectContext, Target


def approval_for(
    project: ProjectContext, goal: Target, plan: Plan, given: Path | None, *, ask: bool
) -> Approval | None:
    """The approval of this very plan, None where none is needed. ask: a person may be asked.

    Errors: RefusedError no-approval, drifted, changed-file or plan-mismatch, with the command that gives one.
    """
    from ...tools.ledger import approvals
    from .. import deciding, ledger

    command = approve_command(plan, goal)
    if given is not None:
        approval = approvals.read(given)
        if not covers(approval, plan):
            raise _other(approval, plan, command)
        return approval
    kept = next((a for a in _unused(project, goal, plan) if covers(a, plan)), None)
    if kept is not None and (_holds(project, kept, plan) or not (ask and sys.stdin.isatty())):
        return kept  # one that no longer holds is refused by the gate, which says why
    if kept is None and not ledger.policy(project).needs_approval(plan.environment):
        return None
    old = next(iter(_unused(project, goal, plan)), None) if kept is None else None
    if ask and sys.stdin.isatty():
        if old is not None:
            typer.echo(f"An earlier approval does not count: {_other(old, plan, command).what}.")
        return deciding.sign_now(project, plan, _asked)
    raise _other(old, plan, command) if old is not None else _none(command)


def kept_for(project: ProjectContext, goal: Target, plan: Plan) -> Approval | None:
    """The approval of this very plan in .agentdb/approvals, not used yet and good now; None for none."""
    found = (a for a in _unused(project, goal, plan) if covers(a, plan))
    return next((a for a in found if _holds(project, a, plan)), None)


def covers(approval: Approval, plan: Plan) -> bool:
    """Whether an approval is of this very plan: the same scripts, target and schema, and no better certificate than
    what is known now (a person may have signed before the proof was made anew)."""
    from ...tools.ledger import plan as plans
    from ...tools.ledger import remembered

    try:
        approved = plans.from_json(approval.plan)
    except ValueError:
        return False
    if remembered.key_of(approved) != remembered.key_of(plan):
        return False
    return all(
        _rank(a.certificate) >= _rank(b.certificate) for a, b in zip(approved.migrations, plan.migrations, strict=True)
    )


def _rank(certificate: str) -> int:
    """0 for the best certificate; none at all promises nothing."""
    for number, word in enumerate(("LOSSLESS", "SCHEMA_ONLY", "LOSSY", "IMPOSSIBLE")):
        if certificate.startswith(word):
            return number * 2 + ("not proven" in certificate)
    return 8


def approve_command(plan: Plan, goal: Target) -> str:
    """What a person types to approve exactly this."""
    versions = " ".join(m.version for m in plan.migrations)
    return f"agentdb approve --rollback {versions} --target {goal.name}"


def _holds(project: ProjectContext, approval: Approval, plan: Plan) -> bool:
    from datetime import UTC, datetime

    from ...errors import RefusedError
    from ...tools.ledger import approvals
    from .. import ledger

    try:
        approvals.verify(
            approval,
            kind="rollback",
            environment=plan.environment,
            allowed_signers=ledger.allowed_signers(project),
            now=datetime.now(UTC),
        )
    except RefusedError:
        return False
    return True


def _unused(project: ProjectContext, goal: Target, plan: Plan) -> list[Approval]:
    """The approvals in .agentdb/approvals of rollbacks of these migrations here that were not used yet, newest first."""
    from ...tools.ledger import approvals
    from .. import ledger

    wanted = {m.label for m in plan.migrations}
    with ledger.looking(goal) as conn:
        there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.approvals') IS NOT NULL").fetchone()
        used = {n for (n,) in conn.execute("SELECT nonce FROM agentdb.approvals")} if there and there[0] else set()
    found = []
    for approval in approvals.kept(project.layout.state_dir):
        payload = approval.payload
        labels = {f"{m.get('version')}_{m.get('name')}" for m in _migrations(approval)}
        ours = (payload["system_identifier"], payload["database"]) == (plan.system_identifier, plan.database)
        meant = (payload["kind"], payload["decision"]) == ("rollback", "approve")
        if ours and meant and labels & wanted and approval.nonce not in used:
            found.append(approval)
    return found


def _migrations(approval: Approval) -> list[dict[str, object]]:
    """The migrations of an approval's plan, which nobody has verified yet."""
    found = approval.plan.get("migrations")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _other(approval: Approval, plan: Plan, command: str) -> RefusedError:
    """The refusal of an approval that is for something else, which says what moved on."""
    from ...errors import RefusedError

    given = f"{approval.approver} approved at {approval.payload['created'][:16]} UTC"
    if approval.plan.get("fingerprint") != plan.fingerprint:
        what, reason = f"the schema has moved on since {given}", "drifted"
    elif [m.get("exact_sha256") for m in _migrations(approval)] != [m.exact_sha256 for m in plan.migrations]:
        what, reason = f"other migrations or other scripts are what {given}", "changed-file"
    else:
        what, reason = f"what is proven of the rollback is not what {given}", "plan-mismatch"
    return RefusedError(what, reason=reason, hint=f"Look at what changed, above, then approve this: {command}")


def _none(command: str) -> RefusedError:
    from ...errors import RefusedError

    return RefusedError(
        "nobody has approved this, and nobody is at this terminal to ask",
        reason="no-approval",
        hint=f"To approve exactly this: {command}",
    )


def _asked(message: str) -> str:
    typer.echo()
    return str(typer.prompt(message.removesuffix(":"), default="", show_default=False))
