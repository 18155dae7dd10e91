"""Carrying out: hands the person's signed approval to tools/ledger, which alone decides and alone writes.

The nodes take nothing from the state but the approval's text. Which files, which target, which policy and whether the
signature holds is found out anew by the ledger; a state that was tampered with has nothing to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import AgentdbError, RefusedError, VerificationError
from ...tools.durations import seconds
from ...tools.records import to_plain
from ..context import Context
from ..state import Plain, State
from .step import say, trouble_of

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from ...tools.ledger.apply import ApplyRequest, ApplyResult


def apply(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes applied."""
    from ...tools.ledger import apply as ledger

    return {"applied": _carried("apply", ledger.apply, state.get("decision") or {}, runtime)}


def roll_back(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes rolled_back."""
    from ...tools.ledger import apply as ledger

    return {"rolled_back": _carried("roll back", ledger.roll_back, state.get("back_decision") or {}, runtime)}


def _carried(phase: str, carry: Any, decision: Plain, runtime: Runtime[Context]) -> Plain:
    """What came of it: {"ok", "done", "verified", "differences", "notes"} or {"ok": False, "refused" or "error"}."""
    context = runtime.context
    try:
        if decision.get("decision") == "reject":
            raise RefusedError("the person said no", reason="rejected")
        request = request_of(decision, context)
        result: ApplyResult = carry(request)
    except VerificationError as error:
        found = trouble_of(error)
        carried = getattr(error, "result", None)
        return {"ok": False, "error": found, "reason": "not-verified", **(_told(carried) if carried else {"done": []})}
    except AgentdbError as error:
        found = trouble_of(error)
        if found.get("reason") == "replayed" and (earlier := _carried_before(request, context)):
            say(runtime, phase, "this approval was carried out before", ok=True)
            return {"ok": True, "error": {}, "reason": "", **earlier}
        say(runtime, phase, str(error), ok=False)
        return {"ok": False, "error": found, "reason": found.get("reason", "failed"), "done": []}
    told = _told(result)
    for number, one in enumerate(told["done"], 1):
        say(runtime, phase, f"{one['label']} {one['status']}", n=number, of=len(told["done"]), ok=True)
    return {"ok": True, "error": {}, "reason": "", **told}


def _carried_before(request: ApplyRequest, context: Context) -> Plain:
    """What this very approval was used for earlier, when all of it is done; {} otherwise. Changes nothing: a process
    that ended after the last statement and before its checkpoint has left exactly this."""
    from ...tools.ledger import history

    assert context.target is not None and request.approval is not None
    approval = request.approval
    ended = "rolled_back" if approval.payload["kind"] == "rollback" else "applied"
    with context.target.connect() as connection:
        rows = [r for r in history.runs(connection) if r.approval_nonce == approval.payload["nonce"]]
    done = [r for r in rows if r.status == ended]
    if {r.label for r in done} != {f"{m['version']}_{m['name']}" for m in approval.plan["migrations"]}:
        return {}
    return {
        "plan_sha256": approval.payload["plan_sha256"],
        "database": approval.payload["database"],
        "done": [{"label": r.label, "status": r.status, "statements": r.statements_done, "seconds": 0.0} for r in done],
        "verified": None,
        "differences": [],
        "notes": ["carried out before, with this same approval"],
        "ledger_installed": [],
    }


def request_of(decision: Plain, context: Context) -> ApplyRequest:
    """What the ledger is asked. Errors: RefusedError no-approval, bad-approval, no-target."""
    from ...tools.ledger import approvals
    from ...tools.ledger.apply import ApplyRequest
    from ...tools.ledger.execute import Limits

    target = context.target
    if target is None:
        raise RefusedError("there is no target to apply to", reason="no-target", hint="Say --target NAME.")
    text = str(decision.get("approval") or "")
    settings = target.settings
    return ApplyRequest(
        layout=context.layout,
        dsn=target.dsn,
        environment=target.environment,
        approval=approvals.from_text(text) if text else None,
        allowed_signers=context.allowed_signers,
        who=context.who,
        policy=context.policy(),
        limits=Limits(
            lock_timeout=settings.lock_timeout,
            statement_timeout=settings.statement_timeout,
            lock_attempts=settings.lock_retries + 1,
            max_copy=context.settings.rollback.max_copy_bytes,
        ),
        data_checks=settings.data_checks,
        data_timeout_ms=int(seconds(settings.data_timeout) * 1000),
        clock=context.clock,
    )


def _told(result: ApplyResult) -> Plain:
    return {
        "plan_sha256": result.plan_sha256,
        "database": result.database,
        "done": [
            {"label": d.label, "status": d.status, "statements": d.statements, "seconds": round(d.seconds, 3)}
            for d in result.done
        ],
        "verified": result.verification.ok,
        "differences": list(result.verification.differences),
        "notes": list(result.notes),
        "ledger_installed": to_plain(result.ledger_installed),
    }
