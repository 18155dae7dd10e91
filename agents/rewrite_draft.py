"""The last resort for a hazard without a proven rewrite: a model drafts one, and the proof decides.

The model gets the migration, what it blocks, the tables it names and what became of earlier attempts, never a value of
a row. Its answer is a sequence of statements that each run by themselves, held to what tools/fixes/untrusted.py allows
and tried like any rewrite. Without a model, or with one that answers badly, the offer stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import prompts
from .model import Model, Reply

if TYPE_CHECKING:
    from ..tools.fixes.offer import Offer
    from ..tools.fixes.prove import Ground
    from ..tools.schema.model import Snapshot

PROMPT = "rewrite_draft"
ATTEMPTS = 3
MAX_TEXT = 12_000  # characters of one script in a prompt
MAX_OBJECTS = 60
MAX_TOKENS = 4_000  # of an answer, at least: a script is longer than a few sentences
SCHEMA = {
    "type": "object",
    "properties": {"sql": {"type": "string"}},
    "required": ["sql"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of the model. outcome: "accepted", "refused" (by the list of what it may hold, or by the proof) or
    "no answer"; reason in words; sha256 of the SQL as it was tried, "" for none."""

    number: int
    outcome: str
    reason: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class LastResort:
    """What came of asking. offer: the one to show: with the model's rewrite when it was accepted."""

    offer: Offer
    attempts: tuple[Attempt, ...] = ()

    @property
    def accepted(self) -> bool:
        return any(a.outcome == "accepted" for a in self.attempts)


def wanted(offer: Offer) -> bool:
    """Whether there is something to ask for: a hazard that blocks others, and no rewrite that passed."""
    return not offer.files and any(_asks(h) for h in offer.hazards)


def last_resort(ground: Ground, offer: Offer, before: Snapshot, model: Model | None, shown: str = "") -> LastResort:
    """The offer to keep. Asks the model only where no known form passed; at most three times.

    ground: the state before, as for the known forms. Never raises for anything that a model says or does.
    Errors: SandboxError, DatabaseError of the sandbox itself.
    """
    from ..tools import naming
    from ..tools.fixes.offer import with_rewrite
    from ..tools.fixes.prove import prove
    from ..tools.fixes.single import single
    from ..tools.fixes.untrusted import objections, without_comments

    run, _ = ground.measured()
    if model is None or not wanted(offer) or not run.ok:
        return LastResort(offer)
    longer = model.settings.model_copy(update={"max_tokens": max(MAX_TOKENS, model.settings.max_tokens)})
    model = replace(model, settings=longer)
    sha = prompts.sha_of(PROMPT)
    attempts: list[Attempt] = []
    tried: list[Mapping[str, str]] = []
    for number in range(1, ATTEMPTS + 1):
        reply = model.ask(prompt_of(ground, offer, before, tried).text, schema=SCHEMA)
        sql = _sql(reply)
        if not sql:
            attempts.append(Attempt(number, "no answer", reply.problem or "the answer held no SQL"))
            if reply.kind != "answer":  # the server is asked again by the client already
                break
            continue
        refused = objections(sql, ground.original.sql)
        if refused:
            reason, accepted, text = "; ".join(refused[:8]), False, sql
        else:
            origin = (
                f"drafted by a model, {_plain(model.name)}, attempt {number} of {ATTEMPTS}, prompt {sha[:16]}; "
                "accepted because the proof passed, and for nothing else. Read it"
            )
            text = without_comments(sql)
            draft = single(ground.original, text, origin)
            verdict = prove(ground, [draft])
            reason, accepted = verdict.reason, verdict.proven
            if accepted:
                offer = with_rewrite(offer, draft, verdict, origin, shown)
        outcome = "accepted" if accepted else "refused"
        attempts.append(Attempt(number, outcome, _plain(reason)[:600], naming.checksum(text)))
        if accepted:
            break
        tried.append({"sql": text[:MAX_TEXT], "result": _plain(reason)})
    return LastResort(offer, tuple(attempts))


def prompt_of(ground: Ground, offer: Offer, before: Snapshot, tried: Sequence[Mapping[str, str]]) -> prompts.Prompt:
    """The prompt with the facts inside a tag that nothing in them can close."""
    text = json.dumps(facts(ground, offer, before, tried), ensure_ascii=False, indent=1)
    return prompts.load(PROMPT, facts=prompts.untrusted(text, "facts"))


def facts(ground: Ground, offer: Offer, before: Snapshot, tried: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """What the model is told. Names, definitions and messages; no values of rows."""
    from ..tools.fixes.measure import blocked
    from ..tools.sql.parse import parse

    run, _ = ground.measured()
    found = [p.statement for p in parse(ground.original.sql).statements]
    named = {n.rpartition(".")[2] for s in found for n in (*s.changes, *s.drops, *s.reads)}
    objects = [o for o in before if o.id.name in named or o.id.parent in named]
    held = blocked([run])
    return {
        "migration": _cut(ground.original.sql),
        "hazards": [
            {"rule": h.finding.rule, "line": h.finding.line, "why": h.finding.why, "no_rewrite_because": h.reason}
            for h in offer.hazards
            if _asks(h)
        ],
        "blocked_for_long": [f"{o} on {r}: {held.why[o, r]}" for o, r in sorted(held.long)],
        "schema_before": [{"object": str(o.id), **dict(o.properties)} for o in objects[:MAX_OBJECTS]],
        "schema_before_left_out": max(0, len(objects) - MAX_OBJECTS),
        "server": ground.server.version_text,
        "earlier_attempts": list(tried),
    }


def _asks(hazard: Any) -> bool:
    from ..tools.fixes.offer import Outcome
    from ..tools.hazards.registry import Category, by_id

    rule = by_id().get(hazard.finding.rule)
    left = hazard.outcome in (Outcome.REFUSED, Outcome.NO_FORM)
    return left and rule is not None and rule.category is Category.LOCKS and rule.enabled


def _sql(reply: Reply) -> str:
    found = reply.data.get("sql") if reply.kind == "answer" and reply.data is not None else None
    return found.strip() if isinstance(found, str) else ""


def _plain(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:1000]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n-- cut here"
