"""The gate: the run stops here until a person answers, and says exactly what the answer would be about.

The gate is a courtesy. A graph can be made to go around it; what cannot be gone around is tools/ledger, which checks
the signed approval against files, target and time again. Nothing here or below can sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field

from ..tools import files
from .context import Context
from .nodes.step import migrations_of, relative
from .state import Plain, State

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

QUESTION = "agentdb.approval"


class Answer(BaseModel):
    """What a person answers. approval: the signed approval as text, made outside the graph with the person's key."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"]
    approval: str = Field(default="", max_length=200_000)
    reason: str = Field(default="", max_length=2_000)


def gate(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes decision. Has no effect before the answer, as the node starts over with each one."""
    answer = interrupt(question(state, runtime.context), response_schema=Answer)
    return {"decision": answer.model_dump()}


def rollback_gate(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes back_decision. The same gate, for the way back."""
    answer = interrupt(back_question(state, runtime.context), response_schema=Answer)
    return {"back_decision": answer.model_dump()}


def question(state: State, context: Context) -> Plain:
    """What a person is asked: the exact SQL, where it goes, its hash, and what sandbox and rollback proof said."""
    rollbacks = {r["label"]: r for r in state.get("rollbacks", ())}
    rehearsed = {m["label"]: m for m in state.get("rehearsal", {}).get("migrations", ())}
    work = []
    for migration in migrations_of(state, context):
        back = rollbacks.get(migration.label, {})
        run = rehearsed.get(migration.label, {})
        work.append(
            {
                "label": migration.label,
                "path": relative(context, migration.path),
                "sha256": migration.sha256,
                "sql": migration.sql,
                "sandbox": "ok" if run.get("ok") else run.get("error") or "not run",
                "certificate": back.get("class", ""),
                "certificate_reason": back.get("reason", ""),
                "rollback": _text(context, back.get("path", "")),
                "capture": _text(context, back.get("capture_path", "")),
            }
        )
    return {
        "type": QUESTION,
        "kind": "apply",
        "verdict": state.get("verdict", {}),
        **_plan(state["plan"]),
        "work": work,
    }


def back_question(state: State, context: Context) -> Plain:
    """What a person is asked when going back is offered."""
    way = state["way_back"]
    work = [
        {**step, "sql": _text(context, step["path"]), "sandbox": "", "rollback": "", "capture": ""}
        for step in way["steps"]
    ]
    return {"type": QUESTION, "kind": "rollback", "why": way["why"], **_plan(way["plan"]), "work": work}


def _plan(plan: Plain) -> Plain:
    return {"plan_sha256": plan["sha256"], "target": plan["target"], "plan": plan["plan"]}


def _text(context: Context, path: str) -> str:
    return files.read_text(context.layout.root / path) if path else ""


def is_question(value: Any) -> bool:
    """Whether an interrupt's value is a question of this gate."""
    return isinstance(value, dict) and value.get("type") == QUESTION
