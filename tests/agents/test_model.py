"""The model adapter, over real HTTP: every way in which a server fails is a reply, on time, and no secret leaves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.stub import serving

from agentdb.agents.model import NO_KEY, Model, json_object, model_from
from agentdb.config import ModelSettings

SETTINGS = ModelSettings(timeout_seconds=5)
SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "array", "items": {"type": "string"}}},
    "required": ["summary"],
    "additionalProperties": False,
}


def model(url: str, **changes: object) -> Model:
    return Model("stub", url, SETTINGS.model_copy(update=changes), _key="sk-canary-key")


@pytest.mark.parametrize("mode", ["scripted", "refuse"])
def test_an_answer_comes_back_as_text_and_as_json(mode: str) -> None:
    with serving(mode) as stub:
        reply = model(stub.url).ask("say F-1", schema=SCHEMA)
    assert reply.kind == "answer" and reply.text
    assert (reply.data is not None) == (mode == "scripted"), "a server that takes no schema answers in prose"
    assert reply.tokens == (100, 20)
    assert len(stub.requests) == (1 if mode == "scripted" else 2)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("error", "refused"), ("junk", "malformed"), ("html", "malformed"), ("empty", "malformed")],
)
def test_a_broken_server_is_a_reply_in_our_words(mode: str, kind: str) -> None:
    with serving(mode) as stub:
        reply = model(stub.url).ask("hello", schema=SCHEMA)
    assert reply.kind == kind and reply.problem
    assert "log in" not in reply.problem.lower() and "out of order" not in reply.problem


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_the_deadline_holds_also_when_bytes_drip(mode: str) -> None:
    with serving() as stub:
        asked = model(stub.url, timeout_seconds=3600)
        assert asked.ask("hello F-1").kind == "answer"  # the client is loaded; what follows is the server's doing
        stub.mode = mode
        reply = asked.ask("hello", deadline=0.5)  # a client that waited its own hour would not come back
        assert len(stub.requests) == 2
    assert (reply.kind, reply.problem) == ("timeout", "no whole answer within 0.5 s")


def test_a_dead_address_is_a_reply() -> None:
    with serving() as stub:
        url = stub.url
    assert model(url).ask("hello").kind == "unreachable"


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_the_next_question_works_after_one_was_dropped() -> None:
    with serving("hang") as stub:
        asked = model(stub.url)
        assert asked.ask("hello", deadline=0.3).kind == "timeout"
        stub.mode = "scripted"
        assert asked.ask("hello F-1").kind == "answer"


def test_what_is_sent_can_be_watched_and_the_key_is_in_no_body_or_repr() -> None:
    seen: list[str] = []
    with serving() as stub:
        asked = model(stub.url)
        asked.watch = seen.append
        asked.ask("the whole prompt")
    assert seen == ["the whole prompt"]
    assert "sk-canary-key" not in stub.received and "sk-canary-key" not in repr(asked)


@pytest.mark.parametrize(
    ("name", "base_url", "environ", "expected"),
    [
        ("", "", {}, None),
        ("off", "http://h/v1", {"OPENAI_API_KEY": "k"}, None),
        ("OFF", "", {"OPENAI_API_KEY": "k"}, None),
        ("gpt-x", "", {}, None),
        ("", "", {"OPENAI_API_KEY": "k"}, ("gpt-4.1-mini", "k", "api.openai.com")),
        ("local", "http://u:secret@h:8080/v1", {}, ("local", NO_KEY, "h")),
        ("local", "", {"OPENAI_API_KEY": "   "}, None),
    ],
)
def test_a_model_is_there_with_a_key_or_a_server(
    name: str, base_url: str, environ: dict[str, str], expected: tuple[str, str, str] | None
) -> None:
    found = model_from(ModelSettings(name=name, base_url=base_url), environ)
    assert (found and (found.name, found._key, found.place)) == expected


def test_building_a_model_loads_no_library() -> None:
    code = (
        "import sys; from agentdb.agents.model import model_from; from agentdb.config import ModelSettings;"
        "import agentdb.agents.crew;"
        "assert model_from(ModelSettings(name='x', base_url='http://h'), {});"
        "assert not {'openai', 'langchain_openai', 'langchain_core', 'langgraph', 'langsmith'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure!\n```json\n{"a": [1]}\n```\n', {"a": [1]}),
        ("[1]", None),
        ("{", None),
        ("} {", None),
        ("", None),
        ('{"a":' * 5000 + "1" + "}" * 5000, None),
    ],
)
def test_json_is_found_between_words_and_nothing_else_is(text: str, expected: object) -> None:
    found = json_object(text)
    assert found == expected or (expected is None and len(text) > 1000)
