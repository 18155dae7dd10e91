"""A free question in one of the two talks: the model may look things up with read-only tools, within limits.

The answer is checked sentence by sentence while it streams; only what the facts show is handed on. Each question is a
run of its own over the kept conversation, so an answer that is cancelled leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import prompts
from ..agents.agent import fitted
from ..agents.claims import MAX_RAW, Claim, Facts, judge, sentences_of
from ..agents.model import Model
from ..errors import AgentdbError

MAX_TOOL_TEXT = 8_000
TOOL_CALLS, MODEL_CALLS = 12, 8
KEPT_TURNS = 6

Tool = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what was kept of its answer. struck: sentences left out; problem: why there is no whole answer."""

    question: str
    answer: tuple[Claim, ...] = ()
    struck: int = 0
    tools: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class _Seen:
    """What the model has been shown in this turn."""

    ids: set[str]
    text: list[str]
    tools: list[str] = field(default_factory=list)

    def facts(self) -> Facts:
        return Facts({}, frozenset(self.ids), "\n".join(self.text).lower())


def ask(
    model: Model,
    prompt: str,
    brief: Mapping[str, Any],
    tools: Sequence[Tool],
    earlier: Sequence[Turn],
    question: str,
    *,
    ids: frozenset[str],
    words: str = "",
    on_claim: Callable[[Claim], None],
    on_tool: Callable[[str], None] = lambda name: None,
    seconds: float = 120.0,
) -> Turn:
    """The turn that answers the question. on_claim gets each sentence as soon as it stands and is checked.

    ids: what can be cited besides the results of tools; words: the text behind those ids. Interrupting (Ctrl-C)
    raises KeyboardInterrupt and keeps nothing. A model that fails ends in a turn with a problem.
    """
    loaded = prompts.load(prompt, facts=prompts.untrusted(fitted(brief), "facts"))
    if model.watch:
        model.watch(f"{loaded.text}\n\n{question}")
    seen = _Seen(set(ids), [words, json.dumps(brief, ensure_ascii=False)])
    kept: list[Claim] = []
    struck = 0
    problem = ""

    def settle(claim: Claim) -> None:
        nonlocal struck
        good = spoken(claim, seen.facts())
        if good is None:
            struck += 1
        else:
            kept.append(good)
            on_claim(good)

    try:
        asyncio.run(_stream(model, loaded.text, tools, earlier, question, seen, settle, on_tool, seconds))
    except TimeoutError:
        problem = f"no whole answer within {seconds:g} s"
    except AgentdbError:
        raise
    except Exception as error:  # noqa: BLE001 - the model is never a reason to fail
        problem = _failed(error)
    if not kept and not problem:
        problem = "nothing that the model said could be shown" if struck else "the model said nothing"
    return Turn(question, tuple(kept), struck, tuple(seen.tools), problem)


def spoken(claim: Claim, facts: Facts) -> Claim | None:
    """The sentence as it may be shown: supported by the facts, or an aside that states none."""
    good, reason = judge(claim, facts)
    if good is None and reason == "no citation" and claim.text.startswith(ASIDES):
        # The same checks, under an id that is taken away again.
        good, _ = judge(Claim(claim.text, ("T-0",)), Facts({}, facts.ids | {"T-0"}, facts.text))
        return Claim(good.text) if good else None
    return good


ASIDES = (
    "I do not know",
    "I don't know",
    "I cannot",
    "I can't",
    "The tools do not",
    "The facts do not",
    "Nothing in the facts",
    "For that there is /",
    "Try /",
    "See /",
    "Use /",
)


async def _stream(
    model: Model,
    system: str,
    tools: Sequence[Tool],
    earlier: Sequence[Turn],
    question: str,
    seen: _Seen,
    settle: Callable[[Claim], None],
    on_tool: Callable[[str], None],
    seconds: float,
) -> None:
    import openai
    from langchain.agents import create_agent
    from langchain.agents.middleware import ModelCallLimitMiddleware, ToolCallLimitMiddleware
    from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

    messages: list[Any] = []
    for turn in earlier[-KEPT_TURNS:]:
        messages += [HumanMessage(turn.question), AIMessage(" ".join(_cited(c) for c in turn.answer) or "(nothing)")]
    messages.append(HumanMessage(question))
    text, done, numbers = "", 0, itertools.count(1)
    async with asyncio.timeout(seconds), openai.DefaultAsyncHttpxClient() as http:
        limits: list[Any] = [
            ToolCallLimitMiddleware(run_limit=TOOL_CALLS, exit_behavior="end"),
            ModelCallLimitMiddleware(run_limit=MODEL_CALLS, exit_behavior="end"),
        ]
        agent: Any = create_agent(
            model.client(http_async_client=http),
            [_as_tool(tool, numbers, seen, on_tool) for tool in tools],
            system_prompt=system,
            middleware=limits,
        )
        events = agent.astream({"messages": messages}, {"recursion_limit": 60}, stream_mode=["messages"], version="v2")
        async for part in events:
            chunk, about = part["data"]
            if about.get("langgraph_node") != "model" or not isinstance(chunk, AIMessageChunk):
                continue
            text += chunk.content if isinstance(chunk.content, str) else ""
            if chunk.tool_call_chunks and text and not text.endswith("\n"):
                text += "\n"
            if len(text) > MAX_RAW:
                break
            done = _settle_whole(text, done, settle)
    for claim in sentences_of(text)[done:]:
        settle(claim)


def _settle_whole(text: str, done: int, settle: Callable[[Claim], None]) -> int:
    """Hand on the sentences that can no longer change; how many that makes. The last one is still being written, and
    a bracket that follows may be the citation of the one before it."""
    claims = sentences_of(text)
    whole = len(claims) - (2 if claims and claims[-1].text.startswith("[") else 1)
    for claim in claims[done:whole]:
        settle(claim)
    return max(done, whole)


def _as_tool(tool: Tool, numbers: Iterator[int], seen: _Seen, on_tool: Callable[[str], None]) -> Any:
    """The function as the library wants it: its result numbered, bounded, and marked as data; its errors in words."""
    from langchain_core.tools import StructuredTool

    @functools.wraps(tool)
    def called(*args: Any, **kwargs: Any) -> str:
        on_tool(tool.__name__)
        seen.tools.append(tool.__name__)
        try:
            text = tool(*args, **kwargs)
        except AgentdbError as error:
            return f"{error.what}. {error.hint}".strip()
        except Exception as error:  # noqa: BLE001 - what went wrong inside is not for the model
            return f"the tool failed ({type(error).__name__})"
        id = f"T-{next(numbers)}"
        seen.ids.add(id)
        seen.text.append(text)
        return prompts.untrusted(f"{id}\n{text[:MAX_TOOL_TEXT]}", "tool")

    return StructuredTool.from_function(called, name=tool.__name__, description=(tool.__doc__ or "").strip())


def _cited(claim: Claim) -> str:
    return f"{claim.text} [{', '.join(claim.cites)}]" if claim.cites else claim.text


def _failed(error: Exception) -> str:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "the model's server did not answer in time"
    if isinstance(error, openai.APIConnectionError):
        return "the model's server cannot be reached"
    if isinstance(error, openai.APIStatusError):
        return f"the model's server answered HTTP {error.status_code}"
    return f"the answer was not one that can be read ({type(error).__name__})"
