"""GitHub's REST API, as far as one comment needs it. Source: GitHub REST API, versions of 2022-11-28."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigError, UsageError
from .http import Api, ServiceError, Token, checked_url
from .service import MOST_PAGES, PER_PAGE, Comment, Head

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
# Who writes with the token that every job is given; such a token may not ask who it is.
JOBS_OWN = "github-actions[bot]"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
MAX_EVENT = 30_000_000


class GitHub:
    """A repository's pull requests. author: who writes with this token, asked for when it is not said."""

    def __init__(self, repository: str, token: Token, *, author: str = "", environ: Mapping[str, str] = os.environ):
        if not NAME.fullmatch(repository) or repository.endswith(("/.", "/..")):
            raise UsageError(f"'{repository}' is not a repository", hint="Say --repo owner/name.")
        url = checked_url(environ.get("GITHUB_API_URL") or "https://api.github.com", "GITHUB_API_URL")
        self.repository = repository
        self._author = author
        self.api = Api(
            url,
            token,
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token.reveal()}",
                "User-Agent": "agentdb",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )

    def head(self, number: int) -> Head:
        found = _object(self.api.get(f"repos/{self.repository}/pulls/{number}"))
        head = _object(found.get("head"))
        repository = head.get("repo") or {}  # null when the fork is gone
        return Head(str(head.get("sha", "")), str(_object(repository).get("full_name", "")), str(head.get("ref", "")))

    def author(self) -> str:
        if not self._author:
            try:
                self._author = str(_object(self.api.get("user")).get("login", ""))
            except ServiceError as error:
                if error.status != 403:
                    raise
                self._author = JOBS_OWN
        return self._author

    def comments(self, number: int) -> Iterator[Comment]:
        for page in range(1, MOST_PAGES + 1):
            found = self.api.get(
                f"repos/{self.repository}/issues/{number}/comments", {"per_page": PER_PAGE, "page": page}
            )
            if not isinstance(found, list):
                raise ServiceError("the service's answer is no list of comments")
            yield from (_comment(item) for item in found)
            if len(found) < PER_PAGE:
                return

    def create(self, number: int, body: str) -> Comment:
        return _comment(self.api.post(f"repos/{self.repository}/issues/{number}/comments", {"body": body}))

    def edit(self, number: int, comment: Comment, body: str) -> Comment:
        path = f"repos/{self.repository}/issues/comments/{comment.id}"
        return _comment(self.api.put(path, {"body": body}, method="PATCH"))


def event(environ: Mapping[str, str] = os.environ) -> Mapping[str, Any]:
    """What the runner says of the event that this job is about; {} outside a job. Errors: ConfigError."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return {}
    try:
        text = Path(path).read_bytes()[:MAX_EVENT]
        return _object(json.loads(text))
    except (OSError, ValueError):
        raise ConfigError("the job's event cannot be read", where="GITHUB_EVENT_PATH") from None


def number_of(found: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> int:
    """The number of the pull request that a job is run for; 0 when it is for none."""
    number = _object(found.get("pull_request")).get("number")
    if isinstance(number, int):
        return number
    ref = re.fullmatch(r"refs/pull/(\d{1,10})/(?:merge|head)", environ.get("GITHUB_REF", ""))
    return int(ref[1]) if ref else 0


def expected(found: Mapping[str, Any]) -> Head | None:
    """The head that a job was run for: of the run that came before (workflow_run), else of the pull request."""
    run = _object(found.get("workflow_run"))
    if run:
        if run.get("event") != "pull_request":
            raise UsageError("the run before this was not for a pull request", hint="Nothing is to be posted for it.")
        repository = _object(run.get("head_repository")).get("full_name", "")
        return Head(str(run.get("head_sha", "")), str(repository), str(run.get("head_branch", "")))
    head = _object(_object(found.get("pull_request")).get("head"))
    if head:
        return Head(
            str(head.get("sha", "")), str(_object(head.get("repo")).get("full_name", "")), str(head.get("ref", ""))
        )
    return None


def run_url(found: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> str:
    """The address of the run that made the record, as the runner gives it."""
    address = str(_object(found.get("workflow_run")).get("html_url", ""))
    if not address and environ.get("GITHUB_RUN_ID", "").isdigit():
        server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
        address = f"{server}/{repository}/actions/runs/{environ['GITHUB_RUN_ID']}"
    return address if re.fullmatch(r"https://[A-Za-z0-9.:-]+/[A-Za-z0-9._/-]+", address) else ""


def _comment(item: Any) -> Comment:
    found = _object(item)
    number, user = found.get("id"), _object(found.get("user") or {})
    if not isinstance(number, int):
        raise ServiceError("the service's answer is no comment", sure=False)
    return Comment(number, str(user.get("login", "")), str(found.get("body") or ""), str(found.get("html_url", "")))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
