"""The Migration Validator in words: what the migrations do, whom the findings hurt, what to mend first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .agent import Agent, Parts
from .claims import Claim


def facts(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Migrations with their statements (constants of data statements left out), findings, and what was measured."""
    return {
        "migrations": [{k: m[k] for k in ("label", "path")} for m in run.get("migrations", ())],
        "statements": [{k: s[k] for k in ("migration", "line", "kind", "sql")} for s in run.get("statements", ())],
        "findings": [
            {k: f.get(k) for k in ("id", "rule", "severity", "path", "line", "title", "why", "fix", "proof", "objects")}
            for f in run.get("findings", ())
            if not f["rule"].startswith("conflict-")
        ],
        "evidence": [{"id": e["id"], "what": e["summary"]} for e in run.get("evidence", ())],
    }


def template(told: Mapping[str, Any]) -> Parts:
    """The worst findings as sentences, in the order in which they are best mended."""
    open_ones = [f for f in told["findings"] if f["proof"] != "REFUTED"]
    ranked = sorted(open_ones, key=lambda f: ("error", "warning", "info").index(f["severity"]))
    risks = [Claim(f"{f['path']}:{f['line']}: {f['title']} {f['why']}".strip(), (f["id"],)) for f in ranked[:4]]
    order = [Claim(f["fix"], (f["id"],)) for f in ranked[:4] if f["fix"]]
    measured = told["evidence"][:4]
    summary = [Claim(e["what"], (e["id"],)) for e in measured] if not risks else []
    return {"summary": summary, "risks": risks, "order": order}


VALIDATOR = Agent("validator", "Migration Validator", "validator", ("summary", "risks", "order"), facts, template)
