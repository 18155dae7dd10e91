"""The Schema Documenter in words: what is different for people who write queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .agent import Agent, Parts
from .claims import Claim


def facts(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The changes of the schema that the migrations make, one id each."""
    return {
        "migrations": [m["label"] for m in run.get("migrations", ())],
        "changes": [{k: c[k] for k in ("id", "migration", "kind", "object", "line")} for c in run.get("changes", ())],
    }


def template(told: Mapping[str, Any]) -> Parts:
    """The changes as the diff prints them, the first eight."""
    return {"summary": [Claim(c["line"], (c["id"],)) for c in told["changes"][:8]], "meaning": []}


DOCUMENTER = Agent("documenter", "Schema Documenter", "documenter", ("summary", "meaning"), facts, template)
