"""The language model: any server that speaks OpenAI's protocol, asked with a deadline, never a reason to fail.

Whatever goes wrong comes back as a `Reply` that says so. Building a `Model` imports nothing and opens nothing;
langchain-openai is loaded with the first question.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..config import ModelSettings

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

DEFAULT_NAME = "gpt-4.1-mini"
OFF = "off"
# A server without a key gets this word, since the client refuses to be built without any.
NO_KEY = "none"

Kind = Literal["answer", "off", "timeout", "unreachable", "refused", "malformed"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question.

    kind: "answer", or why there is none. data: the answer as a JSON object when it is one. problem: one line for
    people, without anything that the server wrote. tokens: (in, out), zero when not told.
    """

    kind: Kind
    text: str = ""
    data: Mapping[str, Any] | None = None
    problem: str = ""
    tokens: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Model:
    """A model by name on a server. `watch` is called with every prompt that is sent."""

    name: str
    base_url: str
    settings: ModelSettings
    watch: Callable[[str], None] | None = None
    _key: str = field(default=NO_KEY, repr=False)

    def ask(self, prompt: str, *, schema: Mapping[str, Any] | None = None, deadline: float | None = None) -> Reply:
        """The model's reply to one prompt. deadline: seconds for everything, retries and dripping answers included
        (default: model.timeout_seconds). schema: a JSON Schema that the answer is asked to follow; a server that
        does not take one (HTTP 400) is asked again without."""
        if self.watch:
            self.watch(prompt)
        import langchain_openai  # noqa: F401 - so that the first question's time is not spent on loading it

        limit = deadline or self.settings.timeout_seconds
        try:
            return asyncio.run(asyncio.wait_for(self._ask(prompt, schema), limit))
        except TimeoutError:
            return Reply("timeout", problem=f"no whole answer within {limit:g} s")
        except Exception as error:  # noqa: BLE001 - the model is never a reason to fail
            return _failed(error)

    async def _ask(self, prompt: str, schema: Mapping[str, Any] | None) -> Reply:
        import openai
        from langchain_core.messages import HumanMessage

        # A client of its own for each question: dropped at the deadline, it closes what it opened.
        async with openai.DefaultAsyncHttpxClient() as http:
            client = self.client(http_async_client=http)
            messages = [HumanMessage(prompt)]
            if schema is None:
                return _reply(await client.ainvoke(messages))
            shape = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            }
            try:
                return _reply(await client.bind(response_format=shape).ainvoke(messages))
            except openai.BadRequestError:
                return _reply(await client.ainvoke(messages))

    def client(self, **options: Any) -> ChatOpenAI:
        """The library's client; the two talks hand it tools. options: what its constructor takes."""
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        return ChatOpenAI(
            model=self.name,
            api_key=SecretStr(self._key),
            base_url=self.base_url or None,
            timeout=self.settings.timeout_seconds,
            temperature=self.settings.temperature,
            max_completion_tokens=self.settings.max_tokens,
            max_retries=1,
            use_responses_api=False,  # the classic endpoint is the one that every compatible server has
            **options,
        )

    @property
    def place(self) -> str:
        """The server's host for people, without a login that may stand in the address."""
        from urllib.parse import urlsplit

        return urlsplit(self.base_url).hostname or "api.openai.com"


def model_from(settings: ModelSettings, environ: Mapping[str, str]) -> Model | None:
    """The model that the settings and the environment name, or None: switched off, or neither key nor server."""
    if settings.name.strip().lower() == OFF:
        return None
    key = environ.get(settings.api_key_env, "").strip()
    base_url = settings.base_url.strip()
    if not key and not base_url:
        return None
    return Model(settings.name.strip() or DEFAULT_NAME, base_url, settings, _key=key or NO_KEY)


def json_object(text: str) -> Mapping[str, Any] | None:
    """The JSON object in a text, also when it stands in a code fence or between words; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _reply(message: Any) -> Reply:
    text = message.content if isinstance(message.content, str) else ""
    usage = getattr(message, "usage_metadata", None) or {}
    tokens = (int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0))
    if not text.strip():
        return Reply("malformed", problem="the answer was empty", tokens=tokens)
    return Reply("answer", text, json_object(text), tokens=tokens)


def _failed(error: Exception) -> Reply:
    """The failure in our words: an exception's text may repeat the request or what a hostile server wrote."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Reply("timeout", problem="the server did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return Reply("unreachable", problem="the server cannot be reached")
    if isinstance(error, openai.APIStatusError):
        return Reply("refused", problem=f"the server answered HTTP {error.status_code}")
    return Reply("malformed", problem=f"the answer was not one that can be read ({type(error).__name__})")
