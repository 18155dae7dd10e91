"""The process as a graph; the five agents are sub-graphs of it.

intake -> resolver -> validator -> rollback -> documenter -> monitor -> judge -> narrate (five, side by side)
       -> check_notes -> report -> gate -> apply -> verify
verify -> offer_rollback -> rollback_gate -> roll_back -> incident

resolver:   find -> propose                    validator: read (one per file) -> rehearse -> weigh
rollback:   draft_and_prove                    documenter: compare -> write        monitor: observe
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from . import routing
from .context import Context
from .gate import gate, rollback_gate
from .nodes.apply import apply, roll_back
from .nodes.documenter import compare, write
from .nodes.incident import incident
from .nodes.intake import intake
from .nodes.judge import judge
from .nodes.monitor import observe
from .nodes.narrate import check_notes, narrate_one
from .nodes.report import report
from .nodes.resolver import find, propose
from .nodes.rollback import draft_and_prove
from .nodes.validator import read, rehearse, weigh
from .nodes.verify import offer_rollback, verify
from .state import State

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    Compiled = CompiledStateGraph[State, Context, State, State]

RECURSION_LIMIT = 60


class _Picture(StateGraph[State, Context, State, State]):
    """A graph whose nodes find a context even when the caller brought none."""

    def __init__(self, opened: Callable[[], Context] | None) -> None:
        super().__init__(State, context_schema=None if opened else Context)
        self.opened = opened

    def add_node(self, name: str, action: Any, **options: Any) -> Any:  # type: ignore[override]
        opened = self.opened
        if opened is None or not isfunction(action):
            return super().add_node(name, action, **options)

        @wraps(action)
        def with_context(state: State, runtime: Runtime[Context]) -> Any:
            given = runtime if runtime.context is not None else runtime.override(context=opened())
            return action(state, given)

        return super().add_node(name, with_context, **options)


def build(
    checkpointer: BaseCheckpointSaver[Any] | None = None, *, opened: Callable[[], Context] | None = None
) -> Compiled:
    """The whole graph, compiled. Without a checkpointer it stops at the gate and cannot be resumed by itself.

    opened: gives the context to nodes that are started without one (by a server that only speaks JSON).
    """
    graph = _Picture(opened)
    graph.add_node("intake", intake)
    graph.add_node("resolver", resolver(opened))
    graph.add_node("validator", validator(opened))
    graph.add_node("rollback", rollback(opened))
    graph.add_node("documenter", documenter(opened))
    graph.add_node("monitor", monitor(opened))
    graph.add_node("judge", judge)
    graph.add_node("narrate", narrate_one)
    graph.add_node("check_notes", check_notes)
    graph.add_node("report", report)
    graph.add_node("gate", gate)
    graph.add_node("apply", apply)
    graph.add_node("verify", verify)
    graph.add_node("offer_rollback", offer_rollback)
    graph.add_node("rollback_gate", rollback_gate)
    graph.add_node("roll_back", roll_back)
    graph.add_node("incident", incident)

    graph.add_edge(START, "intake")
    graph.add_conditional_edges("intake", routing.after_intake)
    graph.add_edge("resolver", "validator")
    graph.add_edge("validator", "rollback")
    graph.add_edge("rollback", "documenter")
    graph.add_edge("documenter", "monitor")
    graph.add_edge("monitor", "judge")
    graph.add_conditional_edges("judge", routing.each_agent, ["narrate"])
    graph.add_edge("narrate", "check_notes")
    graph.add_edge("check_notes", "report")
    graph.add_conditional_edges("report", routing.after_report)
    graph.add_conditional_edges("gate", routing.after_gate)
    graph.add_conditional_edges("apply", routing.after_apply)
    graph.add_conditional_edges("verify", routing.after_verify)
    graph.add_conditional_edges("offer_rollback", routing.after_offer)
    graph.add_conditional_edges("rollback_gate", routing.after_rollback_gate)
    graph.add_edge("roll_back", "incident")
    graph.add_edge("incident", END)
    return graph.compile(checkpointer=checkpointer, name="agentdb")


def resolver(opened: Callable[[], Context] | None = None) -> Compiled:
    """The Conflict Resolver."""
    graph = _Picture(opened)
    graph.add_node("find", find)
    graph.add_node("propose", propose)
    graph.add_edge(START, "find")
    graph.add_edge("find", "propose")
    graph.add_edge("propose", END)
    return graph.compile(name="resolver")


def validator(opened: Callable[[], Context] | None = None) -> Compiled:
    """The Migration Validator."""
    graph = _Picture(opened)
    graph.add_node("read", read)
    graph.add_node("rehearse", rehearse)
    graph.add_node("weigh", weigh)
    graph.add_conditional_edges(START, routing.each_file, ["read", "rehearse"])
    graph.add_edge("read", "rehearse")
    graph.add_edge("rehearse", "weigh")
    graph.add_edge("weigh", END)
    return graph.compile(name="validator")


def rollback(opened: Callable[[], Context] | None = None) -> Compiled:
    """The Rollback Specialist."""
    graph = _Picture(opened)
    graph.add_node("draft_and_prove", draft_and_prove)
    graph.add_edge(START, "draft_and_prove")
    graph.add_edge("draft_and_prove", END)
    return graph.compile(name="rollback")


def documenter(opened: Callable[[], Context] | None = None) -> Compiled:
    """The Schema Documenter."""
    graph = _Picture(opened)
    graph.add_node("compare", compare)
    graph.add_node("write", write)
    graph.add_edge(START, "compare")
    graph.add_edge("compare", "write")
    graph.add_edge("write", END)
    return graph.compile(name="documenter")


def monitor(opened: Callable[[], Context] | None = None) -> Compiled:
    """The Database Health Monitor, before anything is applied."""
    graph = _Picture(opened)
    graph.add_node("observe", observe)
    graph.add_edge(START, "observe")
    graph.add_edge("observe", END)
    return graph.compile(name="monitor")
