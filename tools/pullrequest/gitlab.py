"""GitLab's REST API, as far as one comment needs it. Source: GitLab's "Notes API" and "Merge requests API"."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...errors import ConfigError, UsageError
from .http import Api, ServiceError, Token, checked_url
from .service import MOST_PAGES, PER_PAGE, Comment, Head

TOKENS = ("GITLAB_TOKEN",)
MAX_PAYLOAD = 30_000_000
PROJECT = re.compile(r"\d{1,12}|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


class GitLab:
    """A project's merge requests. project: its number, or its path."""

    def __init__(self, project: str, token: Token, *, author: str = "", environ: Mapping[str, str] = os.environ):
        if not PROJECT.fullmatch(project):
            raise UsageError(f"'{project}' is not a project", hint="Say --repo group/project, or its number.")
        url = checked_url(environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4", "CI_API_V4_URL")
        self.project = quote(project, safe="")
        self._author = author
        self.api = Api(url, token, {"PRIVATE-TOKEN": token.reveal(), "User-Agent": "agentdb"})

    def head(self, number: int) -> Head:
        found = _object(self.api.get(self._of(number)))
        return Head(str(found.get("sha", "")), "", str(found.get("source_branch", "")))

    def author(self) -> str:
        if not self._author:
            self._author = str(_object(self.api.get("user")).get("username", ""))
        return self._author

    def comments(self, number: int) -> Iterator[Comment]:
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": PER_PAGE, "page": page, "sort": "asc", "order_by": "created_at"}
            found = self.api.get(f"{self._of(number)}/notes", query)
            if not isinstance(found, list):
                raise ServiceError("the service's answer is no list of notes")
            yield from (_comment(item) for item in found if not _object(item).get("system"))
            if len(found) < PER_PAGE:
                return

    def create(self, number: int, body: str) -> Comment:
        return _comment(self.api.post(f"{self._of(number)}/notes", {"body": body}))

    def edit(self, number: int, comment: Comment, body: str) -> Comment:
        return _comment(self.api.put(f"{self._of(number)}/notes/{comment.id}", {"body": body}))

    def kept(self, number: int, job: str, name: str) -> bytes:
        """A file that a job of the merge request's newest pipeline kept, wherever that pipeline ran."""
        pipeline = _object(_object(self.api.get(self._of(number))).get("head_pipeline"))
        project, id = pipeline.get("project_id"), pipeline.get("id")
        if not isinstance(project, int) or not isinstance(id, int):
            raise ServiceError(f"merge request {number} has no pipeline")
        jobs = self.api.get(f"projects/{project}/pipelines/{id}/jobs", {"per_page": PER_PAGE})
        found = [_object(j).get("id") for j in jobs if _object(j).get("name") == job] if isinstance(jobs, list) else []
        if not found or not isinstance(found[0], int):
            raise ServiceError(f"pipeline {id} has no job of that name", hint=f"It has to be called {job}.")
        return self.api.file(f"projects/{project}/jobs/{found[0]}/artifacts/{name}")

    def _of(self, number: int) -> str:
        return f"projects/{self.project}/merge_requests/{number}"


def number_of(environ: Mapping[str, str] = os.environ) -> int:
    """The number of the merge request that a job is run for; 0 when it is for none."""
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    return int(number) if number.isdigit() and len(number) < 11 else 0


@dataclass(frozen=True, slots=True)
class Finished:
    """A pipeline that a webhook tells of: of which merge request (0: none), and whether it is over."""

    number: int
    over: bool


def finished(environ: Mapping[str, str] = os.environ) -> Finished | None:
    """What the webhook says that started this pipeline, None when none did. Errors: ConfigError.

    Source: GitLab's "Trigger pipelines with the API", TRIGGER_PAYLOAD, and "Webhook events", pipeline events.
    """
    path = environ.get("TRIGGER_PAYLOAD", "")
    if not path:
        return None
    try:
        payload = _object(json.loads(Path(path).read_bytes()[:MAX_PAYLOAD]))
    except (OSError, ValueError, RecursionError):
        raise ConfigError("the webhook's payload cannot be read", where="TRIGGER_PAYLOAD") from None
    number = _object(payload.get("merge_request")).get("iid")
    status = _object(payload.get("object_attributes")).get("status")
    return Finished(number if isinstance(number, int) else 0, status in ("success", "failed"))


def expected(environ: Mapping[str, str] = os.environ) -> Head | None:
    """The commit that a job for a merge request is run for. In a pipeline for the merged result that is another than
    the one checked out. Source: GitLab's "Predefined CI/CD variables"."""
    sha = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", "")
    return Head(sha) if sha and environ.get("CI_MERGE_REQUEST_IID") else None


def run_url(environ: Mapping[str, str] = os.environ) -> str:
    """The address of this job."""
    address = environ.get("CI_JOB_URL", "")
    return address if re.fullmatch(r"https://[A-Za-z0-9.:-]+/[A-Za-z0-9._/-]+", address) else ""


def _comment(item: Any) -> Comment:
    found = _object(item)
    number, user = found.get("id"), _object(found.get("author"))
    if not isinstance(number, int):
        raise ServiceError("the service's answer is no note", sure=False)
    return Comment(number, str(user.get("username", "")), str(found.get("body") or ""))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
