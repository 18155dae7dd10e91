"""The report of a rollback in an emergency: one plain record, and the page that is made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import __version__
from .. import files
from ..files import Layout
from ..ledger.approvals import Approval
from ..ledger.plan import Plan
from ..records import to_plain
from .execute import Outcome
from .facts import Assessment
from .page import page
from .ran import instant

SCHEMA_VERSION = 1


def record(
    assessment: Assessment, plan: Plan, approval: Approval | None, outcome: Outcome, why: str = ""
) -> dict[str, Any]:
    """Everything of the incident, JSON-plain. why: what the person gave as the reason."""
    result = outcome.result
    return {
        "schema_version": SCHEMA_VERSION,
        "agentdb": __version__,
        "kind": "rollback",
        "verdict": verdict(outcome),
        "why": why,
        "target": {
            "name": assessment.target,
            "environment": plan.environment,
            "database": plan.database,
            "system_identifier": plan.system_identifier,
        },
        "migrations": [m.label for m in plan.migrations],
        "timeline": _timeline(assessment, approval, outcome),
        "assessed": plain_assessment(assessment),
        "plan_sha256": plan.sha256,
        "approval": _approval(approval),
        "statements": list(outcome.statements),
        "verification": to_plain(result.verification) if result else None,
        "error": _error(outcome),
        "health": {"worse": list(outcome.health), "problem": outcome.health_problem},
        "not_back": _not_back(assessment, outcome),
        "notes": list(result.notes) if result else [],
        "next": _next(assessment, plan, outcome),
    }


def write(layout: Layout, told: Mapping[str, Any]) -> tuple[Path, Path]:
    """The page and the record in docs/database/reports/; one pair for a plan, so that a continued run completes it.
    Errors: UsageError."""
    folder = layout.docs_dir / "reports"
    numbers = "-".join(label.split("_", 1)[0] for label in told["migrations"])[:60]
    stem = f"rollback-{numbers}-{told['plan_sha256'][:12]}"
    page_path = files.write_whole(folder / f"{stem}.md", page(told))
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    return page_path, files.write_whole(folder / f"{stem}.json", text)


def verdict(outcome: Outcome) -> str:
    """One line of what came of it."""
    if outcome.error is not None and outcome.result is None:
        return "not taken back" if outcome.began_work else "nothing ran"
    if outcome.verified is False:
        return "taken back, but the schema is not the expected one"
    return "taken back" + (" and verified" if outcome.verified else "")


def plain_assessment(assessment: Assessment) -> dict[str, Any]:
    """The assessment for programs: without the plan, which has its own place, and with the refusal as words."""
    import dataclasses

    from ...errors import RefusedError

    fields = {f.name: getattr(assessment, f.name) for f in dataclasses.fields(assessment)}
    refusal = fields.pop("refusal")
    plan = fields.pop("plan")
    told = {"verdict": assessment.verdict, **to_plain(fields)}
    told["refusal"] = (
        {
            "what": refusal.what,
            "hint": refusal.hint,
            "reason": refusal.reason if isinstance(refusal, RefusedError) else "",
            "exit_code": refusal.exit_code,
        }
        if refusal
        else None
    )
    told["plan_sha256"] = plan.sha256 if plan else ""
    return told


def _approval(approval: Approval | None) -> dict[str, Any] | None:
    if approval is None:
        return None
    return {
        "approver": approval.approver,
        "created": instant(approval.created_at),
        "expires": instant(approval.expires_at),
        "nonce": approval.nonce,
        "plan_sha256": approval.plan_sha256,
    }


def _timeline(assessment: Assessment, approval: Approval | None, outcome: Outcome) -> list[dict[str, str]]:
    events = [
        {
            "at": r.when,
            "what": f"{r.label} {r.standing.value}, by {r.who}" + (f", approved by {r.approver}" if r.approver else ""),
        }
        for r in assessment.ran
        if r.when
    ]
    if approval is not None:
        events.append({"at": instant(approval.created_at), "what": f"approved by {approval.approver}"})
    events.append(
        {"at": outcome.begun, "what": "the interrupted rollback continued" if outcome.resumed else "the rollback began"}
    )
    events.append({"at": outcome.ended, "what": verdict(outcome)})
    return sorted(events, key=lambda e: e["at"])


def _error(outcome: Outcome) -> dict[str, str] | None:
    return {"what": str(outcome.error), "hint": outcome.error.hint} if outcome.error else None


def _not_back(assessment: Assessment, outcome: Outcome) -> list[str]:
    """What went or did not return, in words; only where something ran."""
    if not outcome.began_work:
        return []
    lines = []
    if outcome.result is not None:
        lines += [f"went with the rollback: {g.line}" for g in assessment.goes if g.rows != 0]
        lines += [f"went with it, made by hand: {line}" for line in assessment.along]
    for proof in assessment.proofs:
        for loss in proof.certificate.losses if proof.certificate else ():
            columns = f" ({', '.join(loss.columns)})" if loss.columns else ""
            lines.append(
                f"{proof.label}: {loss.table}{columns} is not brought back{': ' + loss.why if loss.why else ''}"
            )
    lines += [
        f"{c['migration']}: {c['rows']} row{'' if c['rows'] == 1 else 's'} of {c['relation']} left as they are: {c['why']}"
        f" (agentdb_archive.conflicts)"
        for c in outcome.conflicts
    ]
    return lines


def _next(assessment: Assessment, plan: Plan, outcome: Outcome) -> list[str]:
    versions = " ".join(m.version for m in plan.migrations)
    again = f"agentdb rollback {versions} --target {assessment.target}"
    lines: list[str] = []
    if outcome.error is not None and outcome.error.hint:
        lines.append(outcome.error.hint)
    if outcome.result is None:
        lines.append(f"`agentdb status` says what is true now; `{again}` goes on from there, or says why not.")
    elif outcome.verified is False:
        lines.append("`agentdb drift` shows every difference.")
    else:
        lines.append("The migrations lie in migrations/pending again. Mend them before anybody applies them anew.")
        lines.append("Deploy the application that fits the schema of before.")
    if outcome.conflicts:
        lines.append("Look at agentdb_archive.conflicts: each row there has its key and the reason.")
    lines += [f"{w['title']} is worse than before: agentdb health --target {assessment.target}" for w in outcome.health]
    return lines
