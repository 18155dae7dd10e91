"""The Rollback Specialist in words: what going back restores, what it does not, and what to do before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .agent import Agent, Parts
from .claims import Claim


def facts(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The certificate of each rollback with its losses and differences, and what the proof measured."""
    return {
        "rollbacks": [
            {
                "id": f"R-{number}",
                **{k: r.get(k) for k in ("label", "class", "proven", "reason", "losses", "differences", "captures")},
            }
            for number, r in enumerate(run.get("rollbacks", ()), 1)
        ],
        "evidence": [
            {"id": e["id"], "what": e["summary"]} for e in run.get("evidence", ()) if e["kind"].startswith("rollback")
        ],
    }


def template(told: Mapping[str, Any]) -> Parts:
    """What each certificate says, and each loss, as sentences."""
    summary, losses = [], []
    for r in told["rollbacks"]:
        reason = r["reason"] or {
            "LOSSLESS": "schema and rows return as they were.",
            "SCHEMA_ONLY": "the schema returns; rows written in the meantime may not.",
        }.get(r["class"], "")
        summary.append(Claim(f"{r['label']}: {reason}".strip(), (r["id"],)))
        for loss in r["losses"] or ():
            columns = f" ({', '.join(loss['columns'])})" if loss.get("columns") else ""
            losses.append(
                Claim(f"{loss['table']}{columns}: {loss['why'] or 'rows differ after going back'}", (r["id"],))
            )
    return {"summary": summary[:8], "losses": losses[:8], "before": []}


ROLLBACK = Agent("rollback", "Rollback Specialist", "rollback", ("summary", "losses", "before"), facts, template)
