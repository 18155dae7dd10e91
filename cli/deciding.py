"""A person's decision in front of the gate: shown what it is about, confirmed by typing, signed with their key.

This is the one place that signs for a thread. It stands outside the graph and is called only by a person's command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RefusedError, UsageError
from .context import ProjectContext

if TYPE_CHECKING:
    from ..graph.context import Context
    from ..tools.ledger.approvals import Approval
    from ..tools.ledger.plan import Plan


def sign_in_person(
    project: ProjectContext, context: Context, question: Mapping[str, Any], read: Callable[[str], str]
) -> Approval:
    """The signed approval of the plan that a thread asks about, kept in .agentdb/approvals.

    The plan is made again from disk and target; what a thread stored is only compared with it. read: asks the person
    for a line. Errors: RefusedError not-confirmed, plan-mismatch; UsageError without a key that is listed.
    """
    from ..graph.run import plan_now

    plan = plan_now(question, context)
    _show(project, context, plan)
    return sign_now(project, plan, read)


def sign_now(project: ProjectContext, plan: Plan, read: Callable[[str], str]) -> Approval:
    """The person's signature, after they typed the name of the plan's database; kept in .agentdb/approvals.

    read: asks the person for a line. Errors: RefusedError not-confirmed; UsageError without a key that is listed.
    """
    from datetime import UTC, datetime, timedelta

    from ..tools.ledger import approvals, signing
    from . import ledger

    key, signers = ledger.signing_key(project, None), ledger.allowed_signers(project)
    approver = signing.principal_of(key, signers)
    if approver is None:
        raise UsageError(
            f"{signers.name} does not list your key, so nobody knows whose it is",
            where=str(key),
            hint="Have its public half added there, or sign with another key: agentdb approve"
            f"{' --rollback' if plan.kind == 'rollback' else ''} --key.",
        )
    word = "take this back" if plan.kind == "rollback" else "approve"
    typed = read(f"Type the name of the target's database ({plan.environment}) to {word}:")
    if typed.strip() != plan.database:
        raise RefusedError(
            f"'{typed.strip()}' is not the name of the target's database; nothing was signed, nothing ran",
            reason="not-confirmed",
            hint=f"The database is {plan.database}.",
        )
    now = datetime.now(UTC)
    span = timedelta(minutes=project.settings.approval.ttl_minutes)
    approval = approvals.sign(plan, approver=approver, key=key, created=now, expires=now + span)
    approvals.verify(approval, kind=plan.kind, environment=plan.environment, allowed_signers=signers, now=now)
    approvals.write(approval, approvals.path_for(project.layout.state_dir, plan.sha256))
    return approval


def kept_approval(project: ProjectContext, plan_sha256: str) -> Approval | None:
    """The approval of this very plan in .agentdb/approvals, not verified; None when there is none."""
    from ..tools.ledger import approvals

    path = approvals.path_for(project.layout.state_dir, plan_sha256)
    return approvals.read(path) if path.is_file() else None


def as_text(approval: Approval) -> str:
    """The approval as the gate takes it."""
    from ..tools.ledger import approvals

    return approvals.to_text(approval)


def _show(project: ProjectContext, context: Context, plan: Plan) -> None:
    from . import approve

    assert context.target is not None
    approve.show(project, plan, context.target.dsn)
