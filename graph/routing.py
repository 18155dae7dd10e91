"""Where a run goes next: pure functions of the state, one per fork. No model has a say in any of them."""

from __future__ import annotations

from typing import Literal

from langgraph.types import Send

from ..agents.crew import CREW
from .state import State

END: Literal["__end__"] = "__end__"


def after_intake(state: State) -> Literal["resolver", "judge"]:
    """To the crew when there is something to do, else straight to the verdict."""
    return "judge" if state.get("trouble") or not state.get("migrations") else "resolver"


def each_file(state: State) -> list[Send] | Literal["rehearse"]:
    """One reader per migration, side by side."""
    sent = [Send("read", {**state, "path": m["path"]}) for m in state.get("migrations", ())]
    return sent or "rehearse"


def each_agent(state: State) -> list[Send]:
    """One narrator per agent, side by side."""
    return [Send("narrate", {**state, "agent": name}) for name in CREW]


def after_report(state: State) -> Literal["gate", "__end__"]:
    """To the gate only when applying is wanted, nothing blocks, and there is a plan to approve."""
    wanted = state.get("run", {}).get("wants_apply")
    ready = state.get("plan") and not state.get("trouble") and state.get("verdict", {}).get("word") != "blocked"
    return "gate" if wanted and ready else END


def after_gate(state: State) -> Literal["apply", "__end__"]:
    """On only with a yes; what the yes is worth, the ledger decides."""
    return "apply" if state.get("decision", {}).get("decision") == "approve" else END


def after_apply(state: State) -> Literal["verify", "__end__"]:
    """A refusal changed nothing and ends the run; anything else is looked at."""
    applied = state.get("applied", {})
    begun = applied.get("ok") or applied.get("reason") in ("failed", "not-verified")
    return "verify" if begun else END


def after_verify(state: State) -> Literal["offer_rollback", "__end__"]:
    """Going back is offered when the target is not as it should be."""
    return END if state.get("verified", {}).get("ok") else "offer_rollback"


def after_offer(state: State) -> Literal["rollback_gate", "incident"]:
    """To the gate when there is a way back."""
    return "rollback_gate" if state.get("way_back", {}).get("plan") else "incident"


def after_rollback_gate(state: State) -> Literal["roll_back", "incident"]:
    """Back only with a yes."""
    return "roll_back" if state.get("back_decision", {}).get("decision") == "approve" else "incident"
