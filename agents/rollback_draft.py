"""The last resort: a model drafts the rollback that cannot be drafted from the catalogs, and the proof decides.

The model gets the migration, the schema that is missing and what the server said, never a value of a row. Its answer is
SQL that is tried like any stranger's (tools/rollback/offer.py). Without a model, or with one that answers badly, the
drafted rollback stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import prompts
from ..tools.records import Certificate
from . import drafting
from .drafting import MAX_OBJECTS, Attempt, Tried, cut

if TYPE_CHECKING:
    from ..tools.rollback.offer import Offer
    from ..tools.rollback.rehearse import Rehearsed
    from ..tools.sandbox.databases import SandboxDatabase
    from ..tools.sandbox.server import SandboxServer
    from .model import Model

PROMPT = "rollback_draft"


@dataclass(frozen=True, slots=True)
class LastResort:
    """What came of asking. made: the rollback to keep: the model's when one was accepted, else the drafted one."""

    made: Rehearsed
    attempts: tuple[Attempt, ...] = ()
    model: str = ""
    prompt_sha256: str = ""

    @property
    def accepted(self) -> bool:
        return drafting.accepted(self.attempts)

    @property
    def record(self) -> dict[str, Any]:
        """For reports; {} when no model was asked."""
        if not self.attempts:
            return {}
        return {
            "model": self.model,
            "prompt_sha256": self.prompt_sha256,
            "accepted": self.accepted,
            "attempts": [
                {"number": a.number, "outcome": a.outcome, "reason": a.reason, "sha256": a.sha256}
                for a in self.attempts
            ],
        }


def last_resort(server: SandboxServer, database: SandboxDatabase, made: Rehearsed, model: Model | None) -> LastResort:
    """The rollback to keep. Asks the model only where the drafted one cannot be proven; at most three times.

    database: the state before the migration, which stays as it is. Never raises for anything that a model says or
    does. Errors: SandboxError, DatabaseError of the sandbox itself.
    """
    from ..errors import AgentdbError
    from ..tools.rollback.offer import Offer, offer, wanted

    if model is None or not wanted(made):
        return LastResort(made)
    kept = made

    def attempt(sql: str, origin: str) -> Tried:
        nonlocal kept
        try:
            found = offer(server, database, made, sql, origin)
        except AgentdbError as error:
            found = Offer(sql, f"it could not be tried: {error.what}")
        kept = found.taken or made
        return Tried(found.sql, bool(found.taken), _scrubbed(found.reason, made), "; ".join(_told(found, made)))

    attempts = drafting.ask(model, PROMPT, facts(made), attempt)
    return LastResort(kept, attempts, drafting.plain(model.name), prompts.sha_of(PROMPT))


def facts(made: Rehearsed) -> dict[str, Any]:
    """What the model is told. Names, definitions and messages; no values of rows."""
    study = made.draft.study
    assert study is not None
    before, after = study.before.objects, study.after.objects
    changed = [id for id in sorted({*before, *after}) if before.get(id) != after.get(id)]
    return {
        "migration": cut(made.migration.sql),
        "changed_objects": [
            {
                "object": str(id),
                "before": dict(before[id].properties) if id in before else None,
                "after": dict(after[id].properties) if id in after else None,
            }
            for id in changed[:MAX_OBJECTS]
        ],
        "changed_objects_left_out": max(0, len(changed) - MAX_OBJECTS),
        "drafted_rollback": cut(made.draft.sql),
        "proof": _verdict(made.certificate, made),
        "copies_of_rows": cut(made.draft.capture_sql),
        "server": made.certificate.server,
    }


def _told(found: Offer, made: Rehearsed) -> list[str]:
    return [_scrubbed(found.reason, made)] + (_verdict(found.certificate, made) if found.certificate else [])


def _verdict(certificate: Certificate, made: Rehearsed) -> list[str]:
    """What the proof said, without anything that may be a value."""
    said = [certificate.line, *certificate.differences[:20]]
    said += [f"{x.table} {', '.join(x.columns)}: {x.why}" for x in certificate.losses[:20]]
    said += [f"{s['step']}: {s['detail']}" for s in certificate.steps if not s["ok"]]
    return [_scrubbed(x, made) for x in dict.fromkeys(said)]


def _scrubbed(text: str, made: Rehearsed) -> str:
    """A server's message with only those quoted words that are names of the schema: the others may be values."""
    study = made.draft.study
    names = {w for s in ((study.before, study.after) if study else ()) for i in s.objects for w in i}
    text = re.sub(r'"([^"]*)"', lambda m: m[0] if set(m[1].split(".")) <= names else '"..."', text)
    return re.sub(r"\)=\(.*?\)", ")=(...)", text)
