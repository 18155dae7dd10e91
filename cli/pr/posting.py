"""The comment on its way to GitHub or GitLab: who, where, and whether it is about that pull request at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ...errors import UsageError
from ...tools.pullrequest import github, gitlab
from ...tools.pullrequest.comment import comment
from ...tools.pullrequest.escape import visible
from ...tools.pullrequest.http import token_from
from ...tools.pullrequest.record import Record, parsed
from ...tools.pullrequest.service import Head, Posted, verify
from ...tools.pullrequest.service import post as carry_out

KEPT = "agentdb-pr.json"  # the record's name among a job's files
WORDS = {"created": "comment written", "edited": "comment edited", "unchanged": "comment unchanged"}


def own_number(environ: Mapping[str, str] = os.environ) -> int:
    """The number of the pull request that this job is run for; 0 outside such a job."""
    return gitlab.number_of(environ) or github.number_of(github.event(environ), environ)


def post(
    record: Record,
    *,
    repo: str | None = None,
    number: int | None = None,
    head: str | None = None,
    service: str | None = None,
    author: str | None = None,
    token_env: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """The comment about a record made by this code and posted or edited; what was done, in a line.

    The record's own number is only a claim: the pull request must be at the commit that the runner names.
    Errors: UsageError, ConfigError; RefusedError("wrong-pull-request"); ServiceError.
    """
    name = service or ("gitlab" if environ.get("GITLAB_CI") else "github")
    if name not in ("github", "gitlab"):
        raise UsageError(f"there is no service '{name}'", hint="Say --service github or --service gitlab.")
    wanted = number or record.number
    if wanted < 1:
        raise UsageError("which pull request?", hint="Say --number N.")
    found = github.event(environ) if name == "github" else {}
    about = Head(_sha(head)) if head else github.expected(found) if name == "github" else gitlab.expected(environ)
    if about is None or not about.sha:
        raise UsageError(
            "it is not known which commit this is about", hint="Say --head SHA: the commit whose job made the record."
        )
    client: github.GitHub | gitlab.GitLab
    if name == "github":
        where = repo or environ.get("GITHUB_REPOSITORY", "")
        token = token_from((token_env,) if token_env else github.TOKENS, environ)
        client = github.GitHub(where, token, author=author or "", environ=environ)
    else:
        where = repo or environ.get("CI_MERGE_REQUEST_PROJECT_PATH") or environ.get("CI_PROJECT_PATH", "")
        token = token_from((token_env,) if token_env else gitlab.TOKENS, environ)
        client = gitlab.GitLab(where, token, author=author or "", environ=environ)
    try:
        verify(client, wanted, about)
        run = github.run_url(found, environ) if name == "github" else gitlab.run_url(environ)
        done = carry_out(client, wanted, comment(record, run=run), only_correct=record.verdict.word == "nothing")
    finally:
        client.api.close()
    return told_of(wanted, done)


def post_kept(
    job: str,
    *,
    repo: str,
    number: int | None = None,
    author: str | None = None,
    token_env: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """The comment about the record that a job of a GitLab merge request's newest pipeline kept.

    The number alone is a claim, of a webhook or a flag: the record is the one of that very merge request.
    Errors: UsageError, ConfigError, ServiceError.
    """
    told = gitlab.finished(environ)
    if number is None and told is not None and not (told.number and told.over):
        return "nothing to do: the pipeline is not over, or it is not a merge request's"
    wanted = number or (told.number if told else 0)
    if wanted < 1:
        raise UsageError("which merge request?", hint="Say --number N.")
    token = token_from((token_env,) if token_env else gitlab.TOKENS, environ)
    client = gitlab.GitLab(repo, token, author=author or "", environ=environ)
    try:
        record = parsed(client.kept(wanted, job, KEPT), KEPT)
        done = carry_out(client, wanted, comment(record), only_correct=record.verdict.word == "nothing")
    finally:
        client.api.close()
    return told_of(wanted, done)


def told_of(number: int, done: Posted) -> str:
    """What was done, in a line."""
    if done.action == "none":
        return f"pull request {number}: no migration is changed and there is no comment to correct"
    return f"pull request {number}: {WORDS[done.action]}{f', {visible(done.url)}' if done.url else ''}"


def _sha(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise UsageError(f"'{text}' is not a commit", hint="Say --head with all of its digits.")
    return text
