"""Free questions: the model looks up with read-only tools, within limits, and only what the facts show is shown."""

from __future__ import annotations

import time

import pytest
from support.stub import LIES, serving

from agentdb.agents.claims import Claim
from agentdb.agents.model import Model
from agentdb.config import ModelSettings
from agentdb.errors import UsageError
from agentdb.graph.chat import TOOL_CALLS, Tool, Turn, ask

BRIEF = {"migrations": ["003_orders_by_customer"], "verdict": "blocked", "findings": ["F-1 require-concurrent-index"]}


def findings() -> str:
    """All findings, one line each."""
    return "F-1 error 003_orders_by_customer.sql:3 CREATE INDEX takes a SHARE lock on orders."


def finding(id: str) -> str:
    """One finding. id: like F-3."""
    raise UsageError(f"there is no finding {id}", hint="There is F-1.")


def broken() -> str:
    """A tool with a fault in it."""
    raise RuntimeError("password=hunter2")


def talk(
    url: str, question: str, *tools: Tool, earlier: tuple[Turn, ...] = (), seconds: float = 20
) -> tuple[Turn, list[Claim]]:
    shown: list[Claim] = []
    model = Model("stub", url, ModelSettings(timeout_seconds=20), _key="sk-canary-key")
    turn = ask(
        model, "review", BRIEF, tools or (findings, finding), earlier, question,
        ids=frozenset({"F-1"}), on_claim=shown.append, seconds=seconds,
    )  # fmt: skip
    return turn, shown


def test_an_answer_is_looked_up_streamed_and_cited() -> None:
    with serving("scripted") as stub:
        turn, shown = talk(stub.url, "what did the crew find?")
    assert turn.tools == ("findings",)
    assert turn.answer == tuple(shown) and turn.answer[0].cites and not turn.problem
    assert len(stub.requests) == 2, "one for the tool call, one for the answer"
    tool = stub.requests[1]["messages"][-1]
    assert tool["role"] == "tool" and "T-1" in tool["content"] and "untrusted-tool-" in tool["content"]
    assert {t["function"]["name"] for t in stub.requests[0]["tools"]} == {"findings", "finding"}


def test_earlier_turns_go_along() -> None:
    earlier = (Turn("first question", (Claim("First answer.", ("F-1",)),)),)
    with serving("scripted") as stub:
        talk(stub.url, "and now?", earlier=earlier)
    said = [m["content"] for m in stub.requests[0]["messages"]]
    assert said[1:] == ["first question", "First answer. [F-1]", "and now?"]


def test_a_lie_is_not_shown() -> None:
    with serving("lying") as stub:
        turn, shown = talk(stub.url, "is it fine?")
    assert shown == [] and turn.struck == 5, LIES
    assert turn.problem == "nothing that the model said could be shown"


def test_a_model_that_only_calls_tools_is_stopped() -> None:
    with serving("looping") as stub:
        turn, _ = talk(stub.url, "go on")
    assert 0 < len(turn.tools) <= TOOL_CALLS
    assert len(stub.requests) <= TOOL_CALLS + 1


@pytest.mark.parametrize("mode", ["error", "junk", "html", "empty"])
def test_a_broken_server_is_a_turn_with_a_problem(mode: str) -> None:
    with serving(mode) as stub:
        turn, shown = talk(stub.url, "hello")
    assert turn.problem and not shown


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_a_server_that_never_ends_is_left_on_time(mode: str) -> None:
    start = time.monotonic()
    with serving(mode) as stub:
        turn, _ = talk(stub.url, "hello", seconds=1.5)
    assert turn.problem == "no whole answer within 1.5 s"
    assert time.monotonic() - start < 30


def test_what_goes_wrong_in_a_tool_stays_there() -> None:
    with serving("scripted") as stub:
        talk(stub.url, "tell me", broken)
        talk(stub.url, "use finding F-9", finding)
    assert "hunter2" not in stub.received
    assert "the tool failed (RuntimeError)" in stub.received
    assert "there is no finding F-9. There is F-1." in stub.received


def test_an_aside_needs_no_citation_but_may_not_smuggle_facts() -> None:
    from agentdb.agents.claims import Facts
    from agentdb.graph.chat import spoken

    facts = Facts({}, frozenset({"F-1"}), findings().lower())
    assert spoken(Claim("I do not know."), facts) == Claim("I do not know.")
    assert spoken(Claim("Try /why for more."), facts) is not None
    for smuggled in ("I do not know `moon_base`.", "I cannot, but it is approved.", "I don't know, 700 rows maybe."):
        assert spoken(Claim(smuggled), facts) is None
