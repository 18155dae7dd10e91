"""The last resort: a model drafts the rollback that cannot be drafted from the catalogs, and the proof decides.

The model gets the migration, the schema that is missing and what the server said, never a value of a row. Its answer is
SQL that is tried like any stranger's (tools/rollback/offer.py). Without a model, or with one that answers badly, the
drafted rollback stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import prompts
from ..tools.records import Certificate
from .model import Model, Reply

if TYPE_CHECKING:
    from ..tools.rollback.offer import Offer
    from ..tools.rollback.rehearse import Rehearsed
    from ..tools.sandbox.databases import SandboxDatabase
    from ..tools.sandbox.server import SandboxServer

PROMPT = "rollback_draft"
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
    """What came of asking. made: the rollback to keep: the model's when one was accepted, else the drafted one."""

    made: Rehearsed
    attempts: tuple[Attempt, ...] = ()
    model: str = ""
    prompt_sha256: str = ""

    @property
    def accepted(self) -> bool:
        return any(a.outcome == "accepted" for a in self.attempts)

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
    from ..tools import naming
    from ..tools.rollback.offer import Offer, offer, wanted

    if model is None or not wanted(made):
        return LastResort(made)
    longer = model.settings.model_copy(update={"max_tokens": max(MAX_TOKENS, model.settings.max_tokens)})
    model = replace(model, settings=longer)
    sha = prompts.sha_of(PROMPT)
    attempts: list[Attempt] = []
    tried: list[Mapping[str, str]] = []
    for number in range(1, ATTEMPTS + 1):
        reply = model.ask(prompt_of(made, tried).text, schema=SCHEMA)
        sql = _sql(reply)
        if not sql:
            attempts.append(Attempt(number, "no answer", reply.problem or "the answer held no SQL"))
            if reply.kind != "answer":  # the server is asked three times by the client already
                break
            continue
        origin = (
            f"drafted by a model, {_plain(model.name)}, attempt {number} of {ATTEMPTS}, prompt {sha[:16]}; "
            "accepted because the proof passed, and for nothing else. Read it"
        )
        try:
            found = offer(server, database, made, sql, origin)
        except AgentdbError as error:
            found = Offer(sql, f"it could not be tried: {error.what}")
        outcome = "accepted" if found.taken else "refused"
        reason = _plain(_scrubbed(found.reason, made))[:600]
        attempts.append(Attempt(number, outcome, reason, naming.checksum(found.sql)))
        if found.taken:
            return LastResort(found.taken, tuple(attempts), _plain(model.name), sha)
        tried.append({"sql": sql[:MAX_TEXT], "result": "; ".join(_told(found, made))})
    return LastResort(made, tuple(attempts), _plain(model.name), sha)


def prompt_of(made: Rehearsed, tried: Sequence[Mapping[str, str]]) -> prompts.Prompt:
    """The prompt with the facts inside a tag that nothing in them can close."""
    text = json.dumps(facts(made, tried), ensure_ascii=False, indent=1)
    return prompts.load(PROMPT, facts=prompts.untrusted(text, "facts"))


def facts(made: Rehearsed, tried: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """What the model is told. Names, definitions and messages; no values of rows."""
    study = made.draft.study
    assert study is not None
    before, after = study.before.objects, study.after.objects
    changed = [id for id in sorted({*before, *after}) if before.get(id) != after.get(id)]
    return {
        "migration": _cut(made.migration.sql),
        "changed_objects": [
            {
                "object": str(id),
                "before": dict(before[id].properties) if id in before else None,
                "after": dict(after[id].properties) if id in after else None,
            }
            for id in changed[:MAX_OBJECTS]
        ],
        "changed_objects_left_out": max(0, len(changed) - MAX_OBJECTS),
        "drafted_rollback": _cut(made.draft.sql),
        "proof": _verdict(made.certificate, made),
        "copies_of_rows": _cut(made.draft.capture_sql),
        "server": made.certificate.server,
        "earlier_attempts": list(tried),
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


def _sql(reply: Reply) -> str:
    found = reply.data.get("sql") if reply.kind == "answer" and reply.data is not None else None
    return found.strip() if isinstance(found, str) else ""


def _plain(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:1000]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n-- cut here"
