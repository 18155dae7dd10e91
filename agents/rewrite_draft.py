"""The last resort for a hazard without a proven rewrite: a model drafts one, and the proof decides.

The model gets the migration, what it blocks, the tables it names and what became of earlier attempts, never a value of
a row. Its answer is a sequence of statements that each run by themselves, held to what tools/fixes/untrusted.py allows
and tried like any rewrite. Without a model, or with one that answers badly, the offer stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import drafting
from .drafting import MAX_OBJECTS, Attempt, Tried, cut

if TYPE_CHECKING:
    from ..tools.fixes.offer import Offer
    from ..tools.fixes.prove import Ground
    from ..tools.schema.model import Snapshot
    from .model import Model

PROMPT = "rewrite_draft"


@dataclass(frozen=True, slots=True)
class LastResort:
    """What came of asking. offer: the one to show: with the model's rewrite when it was accepted."""

    offer: Offer
    attempts: tuple[Attempt, ...] = ()

    @property
    def accepted(self) -> bool:
        return drafting.accepted(self.attempts)


def wanted(offer: Offer) -> bool:
    """Whether there is something to ask for: a hazard that blocks others, and no rewrite that passed."""
    return not offer.files and any(_asks(h) for h in offer.hazards)


def last_resort(ground: Ground, offer: Offer, before: Snapshot, model: Model | None, shown: str = "") -> LastResort:
    """The offer to keep. Asks the model only where no known form passed; at most three times.

    ground: the state before, as for the known forms. Never raises for anything that a model says or does.
    Errors: SandboxError, DatabaseError of the sandbox itself.
    """
    from ..tools.fixes.offer import with_rewrite
    from ..tools.fixes.prove import prove
    from ..tools.fixes.single import single
    from ..tools.fixes.untrusted import objections, without_comments

    run, _ = ground.measured()
    if model is None or not wanted(offer) or not run.ok:
        return LastResort(offer)
    kept = offer

    def attempt(sql: str, origin: str) -> Tried:
        nonlocal kept
        if refused := objections(sql, ground.original.sql):
            return Tried(sql, False, "; ".join(refused[:8]))
        text = without_comments(sql)
        draft = single(ground.original, text, origin)
        verdict = prove(ground, [draft])
        if verdict.proven:
            kept = with_rewrite(offer, draft, verdict, origin, shown)
        return Tried(text, verdict.proven, verdict.reason)

    attempts = drafting.ask(model, PROMPT, facts(ground, offer, before), attempt)
    return LastResort(kept, attempts)


def facts(ground: Ground, offer: Offer, before: Snapshot) -> dict[str, Any]:
    """What the model is told. Names, definitions and messages; no values of rows."""
    from ..tools.fixes.measure import blocked
    from ..tools.sql.parse import parse

    run, _ = ground.measured()
    found = [p.statement for p in parse(ground.original.sql).statements]
    named = {n.rpartition(".")[2] for s in found for n in (*s.changes, *s.drops, *s.reads)}
    objects = [o for o in before if o.id.name in named or o.id.parent in named]
    held = blocked([run])
    return {
        "migration": cut(ground.original.sql),
        "hazards": [
            {"rule": h.finding.rule, "line": h.finding.line, "why": h.finding.why, "no_rewrite_because": h.reason}
            for h in offer.hazards
            if _asks(h)
        ],
        "blocked_for_long": [f"{o} on {r}: {held.why[o, r]}" for o, r in sorted(held.long)],
        "schema_before": [{"object": str(o.id), **dict(o.properties)} for o in objects[:MAX_OBJECTS]],
        "schema_before_left_out": max(0, len(objects) - MAX_OBJECTS),
        "server": ground.server.version_text,
    }


def _asks(hazard: Any) -> bool:
    from ..tools.fixes.offer import Outcome
    from ..tools.hazards.registry import Category, by_id

    rule = by_id().get(hazard.finding.rule)
    left = hazard.outcome in (Outcome.REFUSED, Outcome.NO_FORM)
    return left and rule is not None and rule.category is Category.LOCKS and rule.enabled
