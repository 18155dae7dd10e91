"""The migrations of another branch, read from git's objects: nothing is checked out and nothing fetched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ...errors import UsageError
from .. import naming
from ..files import Layout, headers_of
from ..records import Migration
from .case import Branch

STATES = ("pending", "applied", "archived")


def read_branch(layout: Layout, base: str) -> Branch:
    """What `base` (a branch, tag or commit) has in migrations/, and what both had where they parted.

    Errors: UsageError when this is no git repository, the ref is not known, or the history is too shallow.
    """
    if base.startswith("-") or not base.strip():
        raise UsageError(f"'{base}' is not a branch", hint="Say --base main, or --base origin/main.")
    top = Path(_git(layout.root, "rev-parse", "--show-toplevel", problem="this is not in a git repository").strip())
    tip = _git(
        layout.root,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{base}^{{commit}}",
        problem=f"git knows no branch or commit '{base}'",
        hint="git fetch origin, then name it as git branch -a does.",
    ).strip()
    parted = _git(
        layout.root,
        "merge-base",
        "HEAD",
        tip,
        problem=f"HEAD and {base} have no common commit here",
        hint="The clone may be shallow: fetch the whole history (in GitHub Actions fetch-depth: 0).",
    ).strip()
    folder = PurePosixPath(os.path.relpath(layout.base.resolve(), top.resolve()).replace(os.sep, "/"))
    theirs = _migrations(layout, tip, folder)
    common = _migrations(layout, parted, folder)
    return Branch(
        base=base,
        theirs=theirs,
        common={m.label: m.sha256 for m in common},
        common_states={m.label: m.state for m in common},
    )


def _migrations(layout: Layout, commit: str, folder: PurePosixPath) -> tuple[Migration, ...]:
    """The migrations of a commit, by number and name; their paths are as if they lay here."""
    listing = _git(layout.root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{folder}/")
    wanted: list[tuple[str, PurePosixPath]] = []
    for entry in listing.split("\0"):
        head, _, name = entry.partition("\t")
        path = PurePosixPath(name)
        if name and path.parent.name in STATES and path.parent.parent == folder and naming.parse_name(path.name):
            mode, kind, blob = head.split()
            if kind == "blob" and mode != "120000":
                wanted.append((blob, path))
    texts = _blobs(layout.root, [blob for blob, _ in wanted])
    found = []
    for (_, path), text in zip(wanted, texts, strict=True):
        parts = naming.parse_name(path.name)
        assert parts is not None
        found.append(
            Migration(
                version=parts.version,
                name=parts.name,
                path=layout.base / path.parent.name / path.name,
                sql=text,
                sha256=naming.checksum(text),
                headers=headers_of(text),
                state=path.parent.name,
            )
        )
    return tuple(sorted(found, key=lambda m: (m.number, m.name)))


def _blobs(root: Path, blobs: Iterable[str]) -> list[str]:
    """The texts of git objects, in order, by one process. Source: git-cat-file(1), --batch output."""
    wanted = list(blobs)
    if not wanted:
        return []
    data = _run(root, ("cat-file", "--batch"), "\n".join(wanted).encode() + b"\n").stdout
    texts, at = [], 0
    for _ in wanted:
        end = data.index(b"\n", at)
        size = int(data[at:end].split()[2])
        texts.append(data[end + 1 : end + 1 + size].decode("utf-8-sig", errors="replace"))
        at = end + 1 + size + 1
    return texts


def _git(root: Path, *arguments: str, problem: str = "git failed", hint: str = "") -> str:
    done = _run(root, arguments)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(problem + (f": {said[0]}" if said and not hint else ""), where=str(root), hint=hint)
    return done.stdout.decode(errors="surrogateescape")


def _run(root: Path, arguments: Iterable[str], text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """git, read-only: no index refresh, no file-system monitor of the repository's own, no questions."""
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
    try:
        return subprocess.run(command, cwd=root, env=environ, input=text, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="Install git, or leave --base out.") from None
