"""One comment on a pull request: found by its marker and its author, edited, else written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from ...errors import RefusedError
from .comment import MARKER
from .http import ServiceError

MOST_PAGES = 100
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the service has it."""

    id: int
    author: str
    body: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What a pull request is at now: its last commit, and where that lies ("owner/name", "branch"; "" not known)."""

    sha: str
    repository: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of it. none: there was nothing to say and no comment to correct."""

    action: Literal["created", "edited", "unchanged", "none"]
    url: str = ""


class Service(Protocol):
    """GitHub, or GitLab. Errors of every method: ServiceError."""

    def head(self, number: int) -> Head: ...
    def author(self) -> str: ...
    def comments(self, number: int) -> Iterator[Comment]: ...
    def create(self, number: int, body: str) -> Comment: ...
    def edit(self, number: int, comment: Comment, body: str) -> Comment: ...


def verify(service: Service, number: int, expected: Head) -> None:
    """That the pull request is at the commit whose job made the record.

    The number comes from a job that ran the pull request's own files, so it may be anybody's. Errors:
    RefusedError("wrong-pull-request").
    """
    found = service.head(number)
    pairs = (
        ("commit", expected.sha, found.sha),
        ("repository", expected.repository.lower(), found.repository.lower()),
        ("branch", expected.branch, found.branch),
    )
    for what, wanted, is_ in pairs:
        if (what == "commit" or (wanted and is_)) and wanted != is_:
            raise RefusedError(
                f"pull request {number} is not the one that this job was run for (another {what}); nothing was posted",
                reason="wrong-pull-request",
                hint="If it has moved on since, the job of its newest commit posts the comment.",
            )


def post(service: Service, number: int, body: str, *, only_correct: bool = False) -> Posted:
    """The comment written, or the one that is there edited. only_correct: write none where none is.

    Errors: ServiceError.
    """
    author = service.author()
    mine = find(service, number, author)
    if mine is None:
        if only_correct:
            return Posted("none")
        try:
            return Posted("created", service.create(number, body).url)
        except ServiceError as error:
            # An answer that was lost may have been a yes: look before another one is written.
            mine = None if error.sure else find(service, number, author)
            if mine is None and not error.sure:
                return Posted("created", service.create(number, body).url)
            if mine is None:
                raise
    if mine.body.replace("\r\n", "\n").strip() == body.strip():
        return Posted("unchanged", mine.url)
    return Posted("edited", service.edit(number, mine, body).url)


def find(service: Service, number: int, author: str) -> Comment | None:
    """Our comment: the first whose first line is the marker and that we wrote. Anybody can write a marker."""
    for comment in service.comments(number):
        if comment.author.lower() == author.lower() and comment.body.lstrip("\ufeff").startswith(MARKER):
            return comment
    return None
