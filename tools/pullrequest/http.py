"""Requests to a service's API: bounded in time, size and number, patient where the service asks for patience.

The token travels in a header of requests to one address and nowhere else: redirects are not followed, and no error
says what was sent.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import AgentdbError, ConfigError
from .escape import cut, visible

if TYPE_CHECKING:
    import httpx

TRIES = 4
LONGEST_WAIT = 60.0  # seconds between two tries, whatever the service asks for
LONGEST_ANSWER = 20_000_000  # bytes
TIMEOUT = 30.0  # seconds
AGAIN = frozenset({429, 500, 502, 503, 504})
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServiceError(AgentdbError):
    """A service did not answer, or not as it should. status: of its last answer, 0 without one.

    sure: the service surely did not do what it was asked.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "", status: int = 0, sure: bool = True) -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
        self.sure = sure


class Token:
    """A secret that only `reveal` gives away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def scrub(self, words: str) -> str:
        """Words without the secret."""
        return words.replace(self._text, "***") if self._text else words

    def __repr__(self) -> str:
        return "Token(***)"


def token_from(names: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> Token:
    """The token in the first variable that is set. Errors: ConfigError."""
    for name in names:
        if found := environ.get(name, "").strip():
            if not found.isascii() or not found.isprintable() or " " in found:
                raise ConfigError(f"{name} holds no token", hint="It is one word of letters and digits.")
            return Token(found)
    raise ConfigError(
        f"there is no token: {' or '.join(names)} is not set",
        hint="Only the job that posts the comment needs one; see docs/ci.",
    )


def checked_url(url: str, name: str) -> str:
    """The address of an API. Errors: ConfigError for one that would send the token in the clear, or is none."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{name} is no address of an API", hint="It is like https://api.example.org.")
    return url.rstrip("/")


@dataclass(slots=True)
class Api:
    """A service's API. headers: with the token. sleep: how to wait, in seconds."""

    url: str
    token: Token
    headers: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep
    _client: httpx.Client | None = field(default=None, repr=False)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """What the service answers, as JSON. Errors: ServiceError."""
        return self._again("GET", path, query=query)

    def file(self, path: str) -> bytes:
        """The bytes of a file that the service keeps. Errors: ServiceError."""
        found: bytes = self._again("GET", path, raw=True)
        return found

    def put(self, path: str, body: Mapping[str, Any], method: str = "PUT") -> Any:
        """The same for a request that may be carried out twice without harm."""
        return self._again(method, path, body=body)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same for one that may not: tried once, unless the service says that it did nothing (429).

        Errors: ServiceError, `sure` False when it may have been carried out all the same.
        """
        return self._again("POST", path, body=body, once=True)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _again(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        once: bool = False,
        raw: bool = False,
    ) -> Any:
        import httpx

        for attempt in range(1, TRIES + 1):
            last = attempt == TRIES
            try:
                answer = self._send(method, path, query, body)
            except httpx.HTTPError as error:
                if last or once:
                    unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                    raise ServiceError(
                        f"{urlsplit(self.url).hostname} does not answer ({type(error).__name__})",
                        hint="Run the job again.",
                        sure=unsent,
                    ) from None
                self.sleep(2.0**attempt / 2)
                continue
            limited = answer.status_code == 429 or _is_limited(answer)
            patient = limited or (answer.status_code in AGAIN and not once)
            if patient and not last:
                self.sleep(_wait(answer, attempt))
                continue
            if raw and answer.status_code == 200:
                return answer.content
            return self._read(answer, method, path)
        raise AssertionError("unreachable")

    def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> httpx.Response:
        import httpx

        if self._client is None:
            self._client = httpx.Client(headers=dict(self.headers), timeout=TIMEOUT, follow_redirects=False)
        with self._client.stream(method, f"{self.url}/{path}", params=query, json=body) as answer:
            data = b""
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > LONGEST_ANSWER:
                    raise ServiceError("the service's answer is too long")
            return httpx.Response(answer.status_code, headers={**_kept(answer.headers)}, content=data)

    def _read(self, answer: httpx.Response, method: str, path: str) -> Any:
        status = answer.status_code
        if 200 <= status < 300:
            try:
                return json.loads(answer.content) if answer.content else None
            except (ValueError, RecursionError):
                raise ServiceError("the service's answer is no JSON", status=status, sure=False) from None
        where = f"{method} {urlsplit(self.url).hostname}/{cut(visible(path), 120)}"
        raise ServiceError(
            f"the service refused: HTTP {status}{self._said(answer)}",
            where=where,
            hint=HINTS.get(status, "Run the job again." if status >= 500 else ""),
            status=status,
            sure=status < 500,
        )

    def _said(self, answer: httpx.Response) -> str:
        """The service's own words on what is wrong."""
        try:
            data = json.loads(answer.content)
        except (ValueError, RecursionError):
            return ""
        said = (data.get("message") or data.get("error") or "") if isinstance(data, dict) else ""
        return f", {cut(visible(self.token.scrub(str(said))), 200)}" if said else ""


HINTS = {
    301: "The repository was renamed or moved; use its new name.",
    302: "The repository was renamed or moved; use its new name.",
    307: "The repository was renamed or moved; use its new name.",
    308: "The repository was renamed or moved; use its new name.",
    401: "The token is not valid any more.",
    403: "The token may not do this. A job for a fork's pull request gets one that only reads: use the two workflows"
    " of docs/ci.",
    404: "There is no such pull request, or the token may not see it.",
    429: "The service asks for patience; run the job again later.",
}


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are looked at; the rest would describe a body that is decoded by now."""
    wanted = ("retry-after", "x-ratelimit-remaining", "x-next-page")
    return {name: headers[name] for name in wanted if name in headers}


def _is_limited(answer: httpx.Response) -> bool:
    """GitHub says "too many" with 403 as well. Source: GitHub's "Rate limits for the REST API"."""
    return answer.status_code == 403 and (
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    )


def _wait(answer: httpx.Response, attempt: int) -> float:
    """Seconds until the next try: what the service asks for, within bounds; a date is taken for a second."""
    asked = answer.headers.get("retry-after", "")
    seconds = float(asked) if asked.isdigit() and len(asked) < 9 else 2.0**attempt / 2
    return min(seconds, LONGEST_WAIT)
