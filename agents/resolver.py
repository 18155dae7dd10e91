"""The Conflict Resolver in words: which files are in each other's way, and why the proposed moves settle it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .agent import Agent, Parts
from .claims import Claim


def facts(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The migrations by name, the conflicts among them and the moves that tools proposed."""
    return {
        "migrations": [{k: m[k] for k in ("label", "path", "state")} for m in run.get("migrations", ())],
        "conflicts": [
            {k: f.get(k) for k in ("id", "rule", "severity", "path", "title", "why", "fix", "objects")}
            for f in run.get("findings", ())
            if f["rule"].startswith("conflict-")
        ],
        "moves": [{"id": f"M-{n}", "move": line} for n, line in enumerate(run.get("moves", ()), 1)],
    }


def template(told: Mapping[str, Any]) -> Parts:
    """Each conflict and each move as a sentence."""
    return {
        "summary": [Claim(f"{c['title']} {c['why']}".strip(), (c["id"],)) for c in told["conflicts"][:4]],
        "moves": [Claim(m["move"], (m["id"],)) for m in told["moves"][:4]],
    }


RESOLVER = Agent("resolver", "Conflict Resolver", "resolver", ("summary", "moves"), facts, template)
