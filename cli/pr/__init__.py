"""agentdb pr: what a branch does to the migrations, as one comment on its pull request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import typer

pr = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="What a branch does to the migrations, as one comment on its pull request.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

FORMATS = ("text", "json", "markdown", "sarif", "github", "gitlab", "junit")


@pr.callback()
def look(
    context: typer.Context,
    base: str = typer.Option(None, "--base", metavar="REF", help="What the branch is to be merged into: origin/main."),
    worktree: bool = typer.Option(False, "--worktree", help="Count files that are not committed, too."),
    no_write: bool = typer.Option(False, "--no-write", help="Write no rollback: for a checkout that others wrote."),
    check: bool = typer.Option(
        False, "--check", help="Write none, and fail when one is missing or holds less than the draft."
    ),
    target: str = typer.Option(None, "--target", "-t", help="Start from this target's schema, not from the files."),
    fail_on: Literal["info", "warning", "error", "never"] = typer.Option(
        None, help="Exit with 1 from this severity on."
    ),
    no_model: bool = typer.Option(False, "--no-model", help="Ask no language model for notes."),
    format: str = typer.Option("text", help=f"How to print: {', '.join(FORMATS)}."),
    comment: Path = typer.Option(None, "--comment", metavar="FILE", help="Write the comment here."),
    sarif: Path = typer.Option(None, "--sarif", metavar="FILE", help="Write the findings here, as SARIF."),
    json: Path = typer.Option(None, "--json", metavar="FILE", help="Write the record here, for `agentdb pr post`."),
    post: bool = typer.Option(False, "--post", help="Post the comment from here: only in a job that you trust."),
    repo: str = typer.Option(None, "--repo", help="With --post: owner/name (default: the job's)."),
    number: int = typer.Option(None, "--number", min=1, help="The pull request (default: the job's)."),
) -> None:
    """What a branch does to the migrations, as one comment on its pull request."""
    if context.invoked_subcommand is not None:
        return
    from ...errors import AgentdbError, UsageError
    from . import posting, writing
    from .looking import Wishes
    from .looking import look as found

    if not base:
        raise UsageError("what is the branch to be merged into?", hint="agentdb pr --base origin/main")
    if format not in FORMATS:
        raise UsageError(f"there is no format '{format}'", hint=f"Formats: {', '.join(FORMATS)}.")
    from ..context import open_project
    from ..crew import model_of

    project = open_project(overrides={"model.name": "off"} if no_model else None)
    wishes = Wishes(
        base=base,
        worktree=worktree,
        write=not (no_write or check),
        check=check,
        fail_on=fail_on,
        number=number or posting.own_number(),
        target=project.target(target) if target else None,
        model=model_of(project),
    )
    record = found(project, wishes, _say)
    writing.to_files(record, note=comment, sarif=sarif, data=json)
    writing.to_job(record)
    sys.stdout.write(writing.shown(record, format))
    code = record.verdict.exit_code
    if post:
        try:
            _say(posting.post(record, repo=repo, number=number))
        except AgentdbError as error:
            if not code:
                raise
            typer.echo(f"agentdb: {error}\n  {error.hint}".rstrip(), err=True)
    if code:
        raise typer.Exit(code)


@pr.command("post")
def post_record(
    record: Path = typer.Option(None, "--record", metavar="FILE", help="The record that `agentdb pr --json` wrote."),
    job: str = typer.Option(
        None, "--job", help="GitLab: take it from this job of the merge request's newest pipeline instead."
    ),
    repo: str = typer.Option(None, "--repo", help="owner/name, or group/project (default: the job's)."),
    number: int = typer.Option(None, "--number", min=1, help="The pull request (default: the record's)."),
    head: str = typer.Option(
        None, "--head", metavar="SHA", help="The commit that the record is about (default: the job's)."
    ),
    service: str = typer.Option(None, "--service", help="github or gitlab (default: where the job runs)."),
    author: str = typer.Option(None, "--author", help="Who writes with the token (default: asked for)."),
    token_env: str = typer.Option(None, "--token-env", metavar="NAME", help="The variable that holds the token."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the comment and post nothing."),
) -> None:
    """Post the comment about a record, or edit the one that is there."""
    from ...errors import UsageError
    from ...tools.pullrequest.comment import comment as written
    from ...tools.pullrequest.record import read
    from . import posting

    if (record is None) == (job is None):
        raise UsageError("say --record FILE, or --job NAME", hint="agentdb pr --base REF --json FILE writes a record.")
    if job is not None:
        if not repo:
            raise UsageError("which project?", hint="Say --repo group/project.")
        typer.echo(posting.post_kept(job, repo=repo, number=number, author=author, token_env=token_env))
        return
    found = read(record)
    if dry_run:
        sys.stdout.write(written(found))
        return
    said = posting.post(found, repo=repo, number=number, head=head, service=service, author=author, token_env=token_env)
    typer.echo(said)


def _say(line: str) -> None:
    """Progress, where nobody takes it for the result."""
    from ...tools.pullrequest.escape import visible

    typer.echo(visible(line).replace("##[", "## ["), err=True)
