"""What a branch changes in the migrations folder, told by git's own plumbing: names are bytes, ended by NUL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ...errors import UsageError
from .git import commit_of, git

Kind = Literal["added", "modified", "renamed", "deleted"]
KINDS: dict[str, Kind] = {"A": "added", "C": "added", "M": "modified", "T": "modified", "R": "renamed", "D": "deleted"}
REGULAR = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True)
class Range:
    """A branch since it parted from its base.

    top: the repository's folder. base: as the person wrote it; base_sha: its tip. parted: where the branch left it.
    head: the commit that is checked out. worktree: files that are not committed count as well.
    """

    top: Path
    base: str
    base_sha: str
    parted: str
    head: str
    worktree: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A file that the branch changes. path, was: from the repository's top, bytes that are no UTF-8 as surrogates.

    was: the old path of a renamed file. regular: it is a plain file now, no symbolic link and no submodule.
    """

    kind: Kind
    path: str
    was: str = ""
    regular: bool = True

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def read_range(folder: Path, base: str, *, worktree: bool = False) -> Range:
    """The range from where HEAD left `base` to HEAD. Errors: UsageError: no repository, no such ref, shallow clone."""
    top = os.fsdecode(git(folder, "rev-parse", "--show-toplevel", problem="this is not in a git repository"))
    tip = commit_of(folder, base)
    head = commit_of(folder, "HEAD")
    parted = git(
        folder,
        "merge-base",
        head,
        tip,
        problem=f"HEAD and {base} have no common commit here",
        hint="The clone may be shallow: fetch the whole history (in GitHub Actions fetch-depth: 0).",
    )
    return Range(Path(top.rstrip("\n")), base, tip, parted.decode().strip(), head, worktree)


def changes(span: Range, folder: Path) -> tuple[Change, ...]:
    """The files below `folder` that the branch adds, changes, renames or deletes, by path. Errors: UsageError."""
    inside = within(span, folder)
    found = {c.path: c for c in _parsed(git(span.top, *_diff(span), "--", inside, problem="git diff failed"))}
    if span.worktree:
        for name in _names(
            git(
                span.top,
                "ls-files",
                "--others",
                "--exclude-standard",
                "-z",
                "--",
                inside,
                problem="git ls-files failed",
            )
        ):
            found[name] = Change("added", name, regular=_is_plain(span.top / name))
    return tuple(found[path] for path in sorted(found))


def is_changed(span: Range, path: Path) -> bool:
    """Whether the branch changes this one file."""
    return bool(git(span.top, *_diff(span), "--", within(span, path), problem="git diff failed"))


def tracked(span: Range, folder: Path, commit: str = "") -> frozenset[str]:
    """The plain files that a commit (default: HEAD) has below `folder`, from the repository's top."""
    listing = git(
        span.top,
        "ls-tree",
        "-r",
        "-z",
        "--full-tree",
        commit or span.head,
        "--",
        within(span, folder),
        problem="git ls-tree failed",
    )
    found = set()
    for entry in listing.split(b"\0"):
        head, _, name = entry.partition(b"\t")
        if name and head.split()[0].decode() in REGULAR:
            found.add(os.fsdecode(name))
    return frozenset(found)


def unclean(span: Range, folder: Path) -> tuple[str, ...]:
    """Files below `folder` that differ from HEAD, or that HEAD has not got."""
    arguments = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all")
    listing = git(span.top, *arguments, "--", within(span, folder), problem="git status failed")
    return tuple(os.fsdecode(entry[3:]) for entry in listing.split(b"\0") if entry)


def within(span: Range, path: Path) -> str:
    """A path as git names it. Errors: UsageError for one that lies outside the repository, through a link as well."""
    top, whole = span.top.resolve(), path.resolve()
    if not whole.is_relative_to(top):
        raise UsageError("this lies outside the git repository", where=str(path), hint="Look at agentdb.toml.")
    return whole.relative_to(top).as_posix()


def _diff(span: Range) -> tuple[str, ...]:
    """The comparison, in the form that needs no quoting. Source: git-diff(1), "Raw output format"."""
    form = ("diff", "--raw", "-z", "--find-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--no-color")
    return (*form, "--ignore-submodules=all", span.parted, *(() if span.worktree else (span.head,)))


def _parsed(text: bytes) -> Iterator[Change]:
    fields = iter(_split(text))
    for head in fields:
        _, mode, _, _, status = head.decode("ascii").split()
        kind = KINDS.get(status[:1])
        first = os.fsdecode(next(fields))
        second = os.fsdecode(next(fields)) if status[:1] in "RC" else ""
        if kind is None:
            continue
        regular = kind == "deleted" or mode in REGULAR
        yield Change(kind, second or first, first if kind == "renamed" else "", regular)


def _split(text: bytes) -> list[bytes]:
    return text.split(b"\0")[:-1]


def _names(text: bytes) -> list[str]:
    return [os.fsdecode(name) for name in _split(text)]


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
