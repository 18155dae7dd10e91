"""Asking a model for SQL where tools have none: each answer is tried, and only what passes is taken.

What both last resorts share. Nothing that a model says or does is raised: a refusal, its reason and the next attempt are
all that comes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import prompts
from ..tools import naming
from .model import Model, Reply

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

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of the model. outcome: "accepted", "refused" (by the list of what it may hold, or by the proof) or
    "no answer"; reason in words; sha256 of the SQL as it was tried, "" for none."""

    number: int
    outcome: str
    reason: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What trying an answer came to. sql: as it was tried; told: what the next attempt is told of it (reason if "")."""

    sql: str
    accepted: bool
    reason: str
    told: str = ""


def accepted(attempts: Sequence[Attempt]) -> bool:
    """Whether the last attempt was taken."""
    return any(a.outcome == "accepted" for a in attempts)


def prompt_of(name: str, facts: Facts, tried: Sequence[Mapping[str, str]] = ()) -> prompts.Prompt:
    """The prompt with the facts, and what became of earlier attempts, inside a tag that nothing in them can close."""
    text = json.dumps({**facts, "earlier_attempts": list(tried)}, ensure_ascii=False, indent=1)
    return prompts.load(name, facts=prompts.untrusted(text, "facts"))


def ask(model: Model, name: str, facts: Facts, attempt: Callable[[str, str], Tried]) -> tuple[Attempt, ...]:
    """The attempts, at most three, the last one accepted when one was.

    name: of the prompt. attempt(sql, origin): tries an answer; origin is the line that says where it is from. Errors:
    those of `attempt`.
    """
    longer = model.settings.model_copy(update={"max_tokens": max(MAX_TOKENS, model.settings.max_tokens)})
    model = replace(model, settings=longer)
    sha = prompts.sha_of(name)
    attempts: list[Attempt] = []
    tried: list[Mapping[str, str]] = []
    for number in range(1, ATTEMPTS + 1):
        reply = model.ask(prompt_of(name, facts, tried).text, schema=SCHEMA)
        sql = _sql(reply)
        if not sql:
            attempts.append(Attempt(number, "no answer", reply.problem or "the answer held no SQL"))
            if reply.kind != "answer":  # the server is asked again by the client already
                break
            continue
        found = attempt(
            sql,
            f"drafted by a model, {plain(model.name)}, attempt {number} of {ATTEMPTS}, prompt {sha[:16]}; "
            "accepted because the proof passed, and for nothing else. Read it",
        )
        outcome = "accepted" if found.accepted else "refused"
        attempts.append(Attempt(number, outcome, plain(found.reason)[:600], naming.checksum(found.sql)))
        if found.accepted:
            break
        tried.append({"sql": found.sql[:MAX_TEXT], "result": found.told or plain(found.reason)})
    return tuple(attempts)


def plain(text: str) -> str:
    """One line of printable characters, at most 1,000."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:1000]


def cut(text: str) -> str:
    """The text, as much of it as a prompt takes."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n-- cut here"


def _sql(reply: Reply) -> str:
    found = reply.data.get("sql") if reply.kind == "answer" and reply.data is not None else None
    return found.strip() if isinstance(found, str) else ""
