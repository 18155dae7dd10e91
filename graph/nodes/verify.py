"""After applying: is the target what was rehearsed, is it as healthy as before, and if not, is there a way back?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ...tools.records import to_plain
from ..context import Context
from ..state import Plain, State
from .monitor import look
from .step import relative, say, trouble_of

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

WORSE = {"ok": 0, "unknown": 0, "warn": 1, "bad": 2}


def verify(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes verified: ok, what speaks against it, and the checks that are worse than before."""
    context = runtime.context
    applied = state["applied"]
    against: list[str] = []
    if not applied["ok"]:
        against.append(applied["error"]["what"])
    elif applied["verified"] is False:
        against += applied["differences"]
    worse = _worse(state.get("health") or {}, look(context))
    bad = [w for w in worse if w["after"] == "bad"]
    against += [f"{w['title']}: {w['before']} before, {w['after']} now" for w in bad]
    say(runtime, "verify", "; ".join(against) or "the target is what was rehearsed", ok=not against)
    return {"verified": {"ok": not against, "against": against, "worse": worse}}


def offer_rollback(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes way_back: why, and the plan of a rollback for whatever of this run reached the target."""
    context = runtime.context
    why = "; ".join(state["verified"]["against"])
    try:
        return {"way_back": {"why": why, **_way_back(state, context)}}
    except AgentdbError as error:
        return {"way_back": {"why": why, "plan": {}, "steps": [], "problem": trouble_of(error)}}


def _way_back(state: State, context: Context) -> Plain:
    """The rollback plan and its steps, newest first; an empty plan when nothing of the run is in the target."""
    from ...tools.ledger import history, plan

    assert context.target is not None
    with context.target.connect() as connection:
        rows = [r for r in history.rows(connection) if r.plan_sha256 == state["plan"].get("sha256")]
        there = [r.label for r in rows if r.status == "applied" or r.left_something]
        if not there:
            return {"plan": {}, "steps": []}
        chosen = [plan.find(context.layout, label) for label in there]
        certificates = {r["label"]: r["class"] for r in state["rollbacks"]}
        built = plan.build_plan(
            context.layout,
            chosen,
            connection,
            environment=context.target.environment,
            policy=context.policy(),
            kind="rollback",
            certificates=certificates,
        )
    reasons = {r["label"]: r["reason"] for r in state["rollbacks"]}
    paths = {m.label: m.rollback_path for m in chosen}
    steps = []
    for planned in built.migrations:
        path = paths[planned.label]
        assert path is not None  # build_plan refuses a migration without one
        steps.append(
            {
                "label": planned.label,
                "path": relative(context, path),
                "sha256": planned.rollback_sha256,
                "certificate": planned.certificate,
                "certificate_reason": reasons.get(planned.label, ""),
            }
        )
    target = {
        "name": context.target.name,
        "environment": built.environment,
        "database": built.database,
        "system_identifier": built.system_identifier,
    }
    return {"plan": {"sha256": built.sha256, "plan": to_plain(built.to_json()), "target": target}, "steps": steps}


def _worse(before: Plain, after: Plain) -> list[Plain]:
    """The checks whose status is worse than it was."""
    was = {c["check"]: c["status"] for c in before.get("checks", ())}
    return [
        {"check": c["check"], "title": c["title"], "before": was[c["check"]], "after": c["status"]}
        for c in after.get("checks", ())
        if c["check"] in was and WORSE[c["status"]] > WORSE[was[c["check"]]]
    ]
