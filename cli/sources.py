"""What a check looks at: files, folders, the project's pending migrations, what a git range changed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import MigrationFileError, UsageError
from ..tools.files import headers_of, read_text

if TYPE_CHECKING:
    from ..tools.records import Migration

NUMBERED = re.compile(r"[VvUuRr]?\d+[^/]*\.sql", re.IGNORECASE)
UNDO = re.compile(r"(\.down\.sql|\.capture\.sql)$|^U\d", re.IGNORECASE)


class Source(NamedTuple):
    """A file to check. setup: files that build the schema that it finds, in order; None when nothing is known.

    sql: its text; problem: why there is none. in_transaction: how its runner carries it, None when not said.
    """

    path: str
    sql: str = ""
    problem: MigrationFileError | None = None
    setup: tuple[Path, ...] | None = None
    in_transaction: bool | None = None
    migration: Migration | None = None


class Place(NamedTuple):
    """A file that is there, not read yet, and the files that build its schema; see Source.setup."""

    path: Path
    setup: tuple[Path, ...] | None = None


def read(path: Path, setup: tuple[Path, ...] | None = None) -> Source:
    """The file as a source; what is wrong with it is kept, not raised."""
    try:
        text = read_text(path)
    except MigrationFileError as error:
        problem = None if error.what == "the file is empty" else error
        return Source(str(path), "", problem, setup)
    said = False if "no-transaction" in headers_of(text).get("agentdb", ()) else None
    return Source(str(path), text, None, setup, said)


def from_paths(paths: Sequence[Path], schema_dir: Path | None) -> list[Place]:
    """The files named, and the .sql files of the folders named (without down scripts), each once, in order.

    Among many files one that cannot be read is a finding, and an empty one is nothing; a single file named alone that
    is no migration is an error. Errors: UsageError, MigrationFileError.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            folder = stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError):
            raise UsageError("there is no such file", where=str(path), hint="Check the path.") from None
        if folder:
            inside = sorted(p for p in path.rglob("*.sql") if not UNDO.search(p.name) and ".agentdb" not in p.parts)
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    if len(paths) == 1 and list(found) == [paths[0]]:
        read_text(paths[0])
    setups = _setups(schema_dir, list(found)) if schema_dir is not None else {}
    return [Place(path, setups.get(path)) for path in found]


def _setups(folder: Path, paths: Sequence[Path]) -> dict[Path, tuple[Path, ...]]:
    """The files that build the schema before each path: the one of the same name, else all that stand alone."""
    if not folder.is_dir():
        raise UsageError("--schema-dir is not a folder", where=str(folder), hint="Name a folder of .sql files.")
    names = {p.name for p in paths}
    common = tuple(sorted(p for p in folder.glob("*.sql") if p.name not in names))
    made = {}
    for path in paths:
        own = folder / path.name
        made[path] = (own,) if own.is_file() else common
    return made


def changed_since(reference: str, root: Path) -> set[Path]:
    """The .sql files that differ from a git commit, new ones included. Errors: UsageError with git's words."""
    import subprocess

    found: set[Path] = set()
    for arguments in (
        ["diff", "--name-only", "-z", "--diff-filter=d", "--merge-base", reference, "--", "*.sql"],
        ["ls-files", "--others", "--exclude-standard", "-z", "--", "*.sql"],
    ):
        if reference.startswith("-"):
            raise UsageError(f"'{reference}' is not a git commit", hint="Name a branch, tag or commit.")
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise UsageError("git is not installed", hint="--since needs it.") from None
        if done.returncode:
            words = done.stderr.strip().splitlines()
            raise UsageError(
                f"git: {words[-1] if words else 'failed'}", hint="--since needs a commit of this repository."
            )
        top = Path(_git_root(root))
        relative = arguments[0] == "ls-files"
        base = root.resolve() if relative else top
        found.update((base / name).resolve() for name in done.stdout.split("\0") if name)
    return found


def _git_root(folder: Path) -> str:
    import subprocess

    done = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
