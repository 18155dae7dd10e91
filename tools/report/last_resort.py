"""How often a model was asked for a rollback that could not be proven, and what came of it, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def line(records: Iterable[Mapping[str, Any]]) -> str:
    """Counted over the records of several rollbacks ({"accepted", "attempts": [{"outcome"}]}); "" when nobody asked."""
    asked = [r for r in records if r]
    if not asked:
        return ""
    accepted = sum(bool(r["accepted"]) for r in asked)
    silent = sum(all(a["outcome"] == "no answer" for a in r["attempts"]) for r in asked)
    parts = [f"{accepted} accepted by proof", f"{len(asked) - accepted - silent} refused"]
    if silent:
        parts.append(f"{silent} not answered")
    many = "" if len(asked) == 1 else "s"
    head = f"a model drafted {len(asked) - silent} of {len(asked)} rollback{many} that could not be proven"
    return f"{head}: {', '.join(parts)}"
