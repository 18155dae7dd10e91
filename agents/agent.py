"""The shape that the five agents share: facts in, one question, an answer whose every sentence can be shown.

An agent never decides anything: it is called after the verdict stands, gets no tools, and what it says is kept in a
box of its own. Without a model, or when it fails in any way, the same box holds plain sentences made from the facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import prompts
from .claims import Claim, Facts, check, sentences_of
from .model import Model, Reply

MAX_FACTS = 24_000  # characters of JSON in one prompt
MAX_PART = 4  # sentences

Parts = Mapping[str, Sequence[Claim]]


@dataclass(frozen=True, slots=True)
class Agent:
    """One of the five. parts: what it is asked to say, in order. facts: what it is told, from the facts of a run.
    template: what is said from the same facts without a model."""

    name: str
    title: str
    prompt: str
    parts: tuple[str, ...]
    facts: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    template: Callable[[Mapping[str, Any]], Parts]


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent said, unchecked. source: "model", or "facts" for our own sentences; problem: why not the model."""

    agent: str
    source: str
    parts: Mapping[str, tuple[Claim, ...]]
    problem: str = ""
    model: str = ""
    prompt_sha256: str = ""
    tokens: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Note:
    """What is printed of an agent, and how many sentences were struck, by reason."""

    agent: str
    title: str
    source: str
    parts: Mapping[str, tuple[Claim, ...]]
    struck: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    model: str = ""
    prompt_sha256: str = ""


def narrate(agent: Agent, run: Mapping[str, Any], model: Model | None) -> Draft:
    """The agent's words on a run; from the facts alone when there is no model or no usable answer. Never raises
    for anything that a model or its server does."""
    told = agent.facts(run)
    plain = {name: tuple(said) for name, said in agent.template(told).items()}
    sha = prompts.sha_of(agent.prompt)
    facts = Facts.of(told)
    if model is None or not facts.ids:  # nothing that could be cited, so nothing that could be said
        return Draft(agent.name, "facts", plain, prompt_sha256=sha)
    reply = model.ask(prompt_of(agent, told).text, schema=schema_of(agent, facts))
    said = parts_of(agent, reply)
    if reply.kind != "answer" or not any(said.values()):
        problem = reply.problem or "the answer held no sentence"
        return Draft(agent.name, "facts", plain, problem, model.name, sha, reply.tokens)
    return Draft(agent.name, "model", said, "", model.name, sha, reply.tokens)


def prompt_of(agent: Agent, told: Mapping[str, Any]) -> prompts.Prompt:
    """The prompt with the facts inside a tag that nothing in them can close."""
    return prompts.load(agent.prompt, facts=prompts.untrusted(fitted(told), "facts"))


def checked(agent: Agent, run: Mapping[str, Any], draft: Draft) -> Note:
    """The draft as it is printed: a model's sentences only as far as the facts support them."""
    told = agent.facts(run)
    kept: dict[str, tuple[Claim, ...]] = {}
    reasons: dict[str, int] = {}
    source, problem = draft.source, draft.problem
    if source == "model":
        facts = Facts.of(told)
        for name in agent.parts:
            result = check(draft.parts.get(name, ()), facts, [c.text for said in kept.values() for c in said])
            kept[name] = result.kept
            for reason, count in result.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + count
        if not any(kept.values()):
            source, problem = "facts", "nothing that the model said could be shown"
    if source == "facts":
        kept = {name: tuple(said) for name, said in agent.template(told).items()}
    kept = {name: said for name, said in kept.items() if said}
    struck = sum(reasons.values())
    return Note(agent.name, agent.title, source, kept, struck, reasons, problem, draft.model, draft.prompt_sha256)


def schema_of(agent: Agent, facts: Facts) -> dict[str, Any]:
    """A JSON Schema for the answer in which only ids that exist can be cited."""
    cites: dict[str, Any] = {"type": "string"}
    if facts.ids:
        cites["enum"] = sorted(facts.ids)
    claim = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "cites": {"type": "array", "items": cites}},
        "required": ["text", "cites"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": claim, "maxItems": MAX_PART} for name in agent.parts},
        "required": list(agent.parts),
        "additionalProperties": False,
    }


def parts_of(agent: Agent, reply: Reply) -> dict[str, tuple[Claim, ...]]:
    """The answer by part. Prose instead of JSON counts as the first part; anything odd inside is passed over."""
    if reply.data is None:
        return {agent.parts[0]: sentences_of(reply.text)} if reply.text else {}
    found = {}
    for name in agent.parts:
        said = reply.data.get(name)
        claims: list[Claim] = []
        for item in said if isinstance(said, list) else [said]:
            claims += _claims_of(item)
        found[name] = tuple(claims)
    return found


def _claims_of(item: Any) -> tuple[Claim, ...]:
    """One entry of a part as claims: an object with text and cites, or bare prose. Its ids count for its sentences."""
    if isinstance(item, str):
        return sentences_of(item)
    if not isinstance(item, Mapping) or not isinstance(item.get("text"), str):
        return ()
    cites = item.get("cites")
    ids = tuple(c for c in cites if isinstance(c, str)) if isinstance(cites, list) else ()
    return tuple(Claim(c.text, tuple(dict.fromkeys([*ids, *c.cites]))) for c in sentences_of(item["text"]))


def fitted(told: Mapping[str, Any]) -> str:
    """The facts as JSON of bounded length: the longest lists are cut at the end, and how many were left out is said."""
    data: dict[str, Any] = dict(told)
    text = json.dumps(data, ensure_ascii=False, indent=1)
    while len(text) > MAX_FACTS:
        lists = [k for k, v in data.items() if isinstance(v, list) and len(v) > 1]
        if not lists:
            return text[:MAX_FACTS]
        longest = max(lists, key=lambda k: len(json.dumps(data[k], ensure_ascii=False)))
        keep = len(data[longest]) // 2
        left = data.get("left_out", {})
        data["left_out"] = {**left, longest: left.get(longest, 0) + len(data[longest]) - keep}
        data[longest] = data[longest][:keep]
        text = json.dumps(data, ensure_ascii=False, indent=1)
    return text
