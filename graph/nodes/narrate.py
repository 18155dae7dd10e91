"""The agents' words: asked side by side after everything is settled, then checked sentence by sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...agents.agent import Draft, checked, narrate
from ...agents.claims import Claim
from ...agents.crew import CREW
from ...tools.records import to_plain
from ..context import Context
from ..state import Plain, State
from .step import say

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def narrate_one(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes the draft of one agent, named by the Send that started this node. Never fails: without an answer the
    agent's sentences are made from the facts."""
    agent = CREW[str(state.get("agent"))]
    model = runtime.context.model if not state.get("trouble") else None
    draft = narrate(agent, _told(state), model)
    if draft.model:
        said = draft.problem or "answered"
        say(runtime, "notes", f"{agent.title}: {said}", ok=not draft.problem)
    return {"drafts": {agent.name: to_plain(draft)}}


def check_notes(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes notes from drafts, and empties those: what the facts do not show is struck and counted."""
    notes = []
    told = _told(state)
    drafts = state.get("drafts") or {}
    for name, agent in CREW.items():
        if name in drafts:
            notes.append(to_plain(checked(agent, told, _draft(drafts[name]))))
    model = runtime.context.model
    spoke = model is not None and any(n["source"] == "model" for n in notes)
    by = f"written by {model.name}" if model and spoke else "every sentence comes from tools"
    return {
        "drafts": None,
        "notes": {
            "by": by,
            "model": model.name if model else "",
            "agents": notes,
            "struck": sum(n["struck"] for n in notes),
            "problems": {n["agent"]: n["problem"] for n in notes if n["problem"]},
            "prompts": {n["agent"]: n["prompt_sha256"] for n in notes},
        },
    }


def _told(state: State) -> dict[str, Any]:
    """The state as the agents take their facts from it: evidence as a list, in order."""
    evidence = state.get("evidence") or {}
    return {**state, "evidence": [evidence[key] for key in sorted(evidence)]}


def _draft(data: dict[str, Any]) -> Draft:
    parts = {k: tuple(Claim(c["text"], tuple(c["cites"])) for c in said) for k, said in data["parts"].items()}
    return Draft(
        data["agent"],
        data["source"],
        parts,
        data["problem"],
        data["model"],
        data["prompt_sha256"],
        (data["tokens"][0], data["tokens"][1]),
    )
