"""The process as a graph. LangGraph is held to strict deserialisation before any of it is imported.

What lies in a checkpoint must never be able to name a class to build. LangGraph reads the variable when it is
imported, so a process that imported it before us without the variable is refused.
"""

from __future__ import annotations

import os
import sys

from ..errors import RefusedError

VARIABLE = "LANGGRAPH_STRICT_MSGPACK"
FLAG = ("langgraph.checkpoint.serde._msgpack", "STRICT_MSGPACK_ENABLED")


def _hold_to_strict() -> None:
    """Set the variable, or raise RefusedError("unsafe-checkpoints") when it is too late for that."""
    module = sys.modules.get(FLAG[0])
    if module is not None and not getattr(module, FLAG[1], False):
        raise RefusedError(
            "LangGraph was imported without strict deserialisation; its stored state could build any class",
            reason="unsafe-checkpoints",
            hint=f"Set {VARIABLE}=true in the environment, or import agentdb.graph before langgraph.",
        )
    os.environ[VARIABLE] = "true"


_hold_to_strict()
