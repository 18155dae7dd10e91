"""git, asked for facts: no shell, no question, nothing refreshed, fetched or checked out, no program that a repository
names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ...errors import UsageError

# Paths are names, never patterns, whatever characters they hold. Source: git(1), GIT_LITERAL_PATHSPECS.
ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
# Source: git-config(1). A file-system monitor is a program that the repository's own settings may name.
SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


def git(folder: Path, *arguments: str, problem: str, hint: str = "") -> bytes:
    """What git prints. Errors: UsageError with `problem` when git fails, is missing, or this is no repository."""
    try:
        done = subprocess.run(
            ["git", *SETTINGS, *arguments],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="Install git.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        more = f": {said[0][:200]}" if said and not hint else ""
        raise UsageError(problem + more, where=str(folder), hint=hint)
    return done.stdout


def commit_of(folder: Path, ref: str) -> str:
    """The commit that a branch, tag or commit names, in full. Errors: UsageError, also for what looks like an option."""
    if not ref.strip() or ref.startswith("-") or "\0" in ref:
        raise UsageError(f"'{ref}' is not a branch, tag or commit", hint="Say --base main, or --base origin/main.")
    found = git(
        folder,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{ref}^{{commit}}",
        problem=f"git knows no branch or commit '{ref}'",
        hint="git fetch origin, then name it as git branch -a does.",
    )
    return found.decode().strip()
