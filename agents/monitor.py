"""The Database Health Monitor in words: what stands out on the target, and what to watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .agent import Agent, Parts
from .claims import Claim


def facts(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The health checks by status and title. What a check read from rows of the database stays out."""
    health = run.get("health") or {}
    return {
        "target": {k: health.get(k) for k in ("target", "environment", "problem")},
        "checks": [{k: c[k] for k in ("id", "check", "title", "status")} for c in health.get("checks", ())],
    }


def template(told: Mapping[str, Any]) -> Parts:
    """The checks that are not in order."""
    wrong = [c for c in told["checks"] if c["status"] in ("bad", "warn")]
    return {"summary": [Claim(f"{c['title']}: {c['status']}.", (c["id"],)) for c in wrong[:8]], "watch": []}


MONITOR = Agent("monitor", "Database Health Monitor", "monitor", ("summary", "watch"), facts, template)
