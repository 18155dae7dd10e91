"""The five agents: facts in, checked sentences out, and plain sentences whatever the model's server does."""

from __future__ import annotations

from typing import Any

import pytest
from support.stub import serving

from agentdb import prompts
from agentdb.agents.agent import MAX_FACTS, checked, fitted, narrate, prompt_of, schema_of
from agentdb.agents.claims import Facts, check
from agentdb.agents.crew import CREW
from agentdb.agents.model import Model
from agentdb.config import ModelSettings

RUN: dict[str, Any] = {
    "migrations": [{"label": "003_index", "path": "migrations/pending/003_index.sql", "state": "pending"}],
    "statements": [{"migration": "003_index", "line": 2, "kind": "CREATE INDEX", "sql": "CREATE INDEX i ON orders (day)"}],
    "findings": [
        {"id": "F-1", "rule": "conflict-gap", "severity": "warning", "path": "migrations/pending/003_index.sql",
         "line": 0, "title": "Number 002 is missing.", "why": "Nobody can tell whether it ran.", "fix": "Add it.",
         "proof": "UNKNOWN", "objects": []},
        {"id": "F-2", "rule": "require-concurrent-index", "severity": "error", "path": "migrations/pending/003_index.sql",
         "line": 2, "title": "CREATE INDEX takes a SHARE lock on orders.", "why": "Writes wait.", "fix": "Use CONCURRENTLY.",
         "proof": "CONFIRMED", "objects": ["orders"]},
    ],
    "moves": ["migrations/pending/003_index.sql becomes migrations/pending/002_index.sql: 002 is free"],
    "evidence": [{"id": "E-0001", "kind": "sandbox-statement", "summary": "line 2, CREATE INDEX: ok; SHARE on orders"}],
    "rollbacks": [{"label": "003_index", "class": "LOSSLESS", "proven": True, "reason": "", "losses": [], "differences": [],
                   "captures": False}],
    "changes": [{"id": "S-1", "migration": "003_index", "kind": "added", "object": "index i", "line": "index i added"}],
    "health": {"target": "prod", "environment": "prod", "problem": "",
               "checks": [{"id": "H-1", "check": "invalid-indexes", "title": "Invalid indexes", "status": "warn"}]},
}  # fmt: skip
EMPTY: dict[str, Any] = {"migrations": [], "findings": [], "evidence": [], "rollbacks": [], "changes": []}
SILENT = ("error", "junk", "html", "empty", "lying")


def model(url: str) -> Model:
    return Model("stub", url, ModelSettings(timeout_seconds=60), _key="sk-canary")


@pytest.mark.parametrize("name", CREW)
def test_without_a_model_the_facts_speak_and_every_sentence_stands(name: str) -> None:
    agent = CREW[name]
    note = checked(agent, RUN, narrate(agent, RUN, None))
    assert note.source == "facts" and not note.problem and not note.struck
    said = [c for part in note.parts.values() for c in part]
    assert said and all(c.cites for c in said)
    assert {i for c in said for i in c.cites} <= Facts.of(agent.facts(RUN)).ids


@pytest.mark.parametrize("mode", ["scripted", "refuse", *SILENT, "huge", "unicode"])
def test_whatever_the_server_does_there_is_a_note_of_shown_sentences(mode: str) -> None:
    agent = CREW["validator"]
    with serving(mode) as stub:
        note = checked(agent, RUN, narrate(agent, RUN, model(stub.url)))
    plain = checked(agent, RUN, narrate(agent, RUN, None))
    assert note.source == ("facts" if mode in SILENT else "model")
    if note.source == "facts":
        assert note.parts == plain.parts and note.problem
    else:
        facts = Facts.of(agent.facts(RUN))
        said = [c for part in note.parts.values() for c in part]
        assert said and check(said, facts).kept == tuple(said), "checking again strikes nothing"
    assert (note.struck > 0) == (mode in ("lying", "huge", "unicode"))
    assert len(str(note.parts)) < 12_000


@pytest.mark.parametrize("name", CREW)
def test_an_agent_with_nothing_to_cite_is_not_asked(name: str) -> None:
    with serving("lying") as stub:
        note = checked(CREW[name], EMPTY, narrate(CREW[name], EMPTY, model(stub.url)))
        assert stub.requests == []
    assert not note.problem and not note.parts


def test_the_answer_can_only_cite_what_there_is() -> None:
    agent = CREW["validator"]
    shape = schema_of(agent, Facts.of(agent.facts(RUN)))
    claim = shape["properties"]["risks"]["items"]
    assert claim["properties"]["cites"]["items"]["enum"] == ["E-0001", "F-2"]
    assert shape["required"] == list(agent.parts) and shape["additionalProperties"] is False


def test_the_facts_stand_inside_a_tag_and_are_bounded() -> None:
    agent = CREW["validator"]
    many = {**RUN, "findings": [{**RUN["findings"][1], "id": f"F-{n}"} for n in range(1, 2000)]}
    text = prompt_of(agent, agent.facts(many)).text
    assert len(text) < MAX_FACTS + 6_000
    assert '"left_out"' in text and text.count("untrusted-facts-") == 2
    assert len(fitted({"one": "x" * 100_000})) == MAX_FACTS


def test_the_report_names_the_prompt_by_its_hash() -> None:
    for name, agent in CREW.items():
        assert narrate(agent, RUN, None).prompt_sha256 == prompts.sha_of(name)
