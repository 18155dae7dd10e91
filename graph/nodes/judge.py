"""The judge: findings get their ids, fixed rules give the verdict, and what may be approved becomes a plan."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ...tools.records import to_plain
from ...tools.report import record
from ...tools.report.verdict import verdict
from ..context import Context
from ..state import Plain, State
from .step import migrations_of, say, trouble_of

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def judge(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes findings, verdict, plan (and trouble, when no plan can be made). Runs also when the run is in trouble."""
    context = runtime.context
    findings = numbered(state)
    found: Plain = {"findings": findings, "plan": {}}
    told = {**state, "findings": findings}
    trouble = state.get("trouble") or {}
    word = _verdict(context, told, trouble)
    if context.target and state["migrations"] and word["word"] != "blocked" and not state["run"]["earlier"]:
        try:
            found["plan"] = plan_of(told, context)
        except AgentdbError as error:
            trouble = found["trouble"] = trouble_of(error)
            word = _verdict(context, told, trouble)
    found["verdict"] = word
    say(runtime, "verdict", word["word"], ok=word["word"] != "blocked")
    return found


def numbered(state: State) -> list[Plain]:
    """Conflicts first, then hazards by file and line, with ids F-1, F-2, ..."""
    hazards = sorted(state.get("hazards", ()), key=lambda f: (f["path"], f["line"], f["rule"], f["title"]))
    everything = [*state.get("conflicts", ()), *hazards]
    return [{**f, "id": f"F-{number}"} for number, f in enumerate(everything, 1)]


def _verdict(context: Context, state: Plain, trouble: Plain) -> Plain:
    target = context.target
    found = verdict(
        trouble=trouble,
        migrations=state["migrations"],
        findings=state["findings"],
        fail_on=context.settings.hazards.fail_on,
        rehearsal=state["rehearsal"],
        rollbacks=state["rollbacks"],
        moves=state["moves"],
        target=target.name if target else "",
        needs_approval=context.policy().needs_approval(target.environment) if target else True,
        alone=[m["label"] for m in state["run"]["earlier"]],
    )
    plain: Plain = to_plain(dataclasses.asdict(found))
    return plain


def plan_of(state: Plain, context: Context) -> Plain:
    """The plan for the target as it is now, bound to what this run measured. Errors: as ledger.plan.build_plan."""
    from ...tools.ledger.canonical import sha256
    from ...tools.ledger.plan import build_plan

    assert context.target is not None
    certificates = {r["label"]: r["class"] for r in state["rollbacks"]}
    expected = state["rehearsal"]["migrations"][-1]["fingerprint"]
    evidence = sha256(record.facts_of(state))
    with context.target.connect() as connection:
        plan = build_plan(
            context.layout,
            migrations_of(state, context),  # type: ignore[arg-type]
            connection,
            environment=context.target.environment,
            policy=context.policy(),
            certificates=certificates,
            expected_fingerprint=expected,
            evidence_sha256=evidence,
        )
    return {
        "sha256": plan.sha256,
        "plan": plan.to_json(),
        "target": {
            "name": context.target.name,
            "environment": context.target.environment,
            "database": plan.database,
            "system_identifier": plan.system_identifier,
        },
    }
