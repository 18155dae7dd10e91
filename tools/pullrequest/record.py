"""What `agentdb pr` found, as one record that is written to a file in one job and read in another.

The job that reads it holds a token and the one that wrote it ran somebody else's files, so reading is strict: sizes,
types and words are checked, and whatever is text stays text until `comment` has made it inert.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...errors import UsageError
from ..records import Evidence, Finding, Loss, to_plain

SCHEMA_VERSION = 1
MAX_BYTES = 8 * 1024 * 1024
MAX_SCRIPT = 100_000  # characters of one script that the record keeps

ChangeWord = Literal["added", "modified", "renamed", "moved", "deleted", "rollback"]
State = Literal["current", "written", "kept", "missing", "stale"]
Class = Literal["LOSSLESS", "SCHEMA_ONLY", "LOSSY", "IMPOSSIBLE"]
Word = Literal["nothing", "fine", "look", "blocked"]


@dataclass(frozen=True, slots=True)
class Base:
    """The range: the ref as it was written, its tip, where the branch left it, and the branch's own commit."""

    ref: str
    sha: str
    parted: str
    head: str
    worktree: bool = False


@dataclass(frozen=True, slots=True)
class Locked:
    """A relation that was there before, the strongest lock taken on it, and who waits meanwhile, in words."""

    relation: str
    mode: str
    waits: str = ""


@dataclass(frozen=True, slots=True)
class WayBack:
    """The rollback of a migration.

    state: how the file in the tree stands: current (as agentdb drafts it), written (by this run), kept (differs from
    the draft, and holds), missing, stale (holds less than the draft does). sql, capture_sql: what is certified.
    """

    klass: Class
    proven: bool
    reason: str
    state: State
    path: str
    capture_path: str = ""
    by: Literal["agentdb", "a person"] = "agentdb"
    sql: str = ""
    capture_sql: str = ""
    sha256: str = ""
    losses: tuple[Loss, ...] = ()
    differences: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A migration that the branch changes. was: its old path. ok: it ran in the sandbox; None: it was not run, and
    error says why. irreversible: its head says that there is no way back."""

    label: str
    path: str
    change: ChangeWord
    was: str = ""
    folder: str = ""
    sha256: str = ""
    statements: int = 0
    ok: bool | None = None
    error: str = ""
    unknown: str = ""
    irreversible: bool = False
    locks: tuple[Locked, ...] = ()
    work: tuple[str, ...] = ()
    rollback: WayBack | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict: its word, why, what to do, and the exit code of the command."""

    word: Word
    reasons: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What a model wrote as one of the agents: sentences with the ids that they cite. The verdict never hears it."""

    title: str
    sentences: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about the pull request. number: 0 when it is not known. measured: the sandbox ran.

    moves: renames that would settle conflicts. left_out: findings or scripts that were too many or too long to keep.
    """

    agentdb: str
    project: str
    base: Base
    verdict: Judgement
    schema_version: int = SCHEMA_VERSION
    number: int = 0
    measured: bool = False
    server: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    migrations: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()
    moves: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    model: str = ""
    said: tuple[Said, ...] = ()
    struck: int = 0
    fail_on: Literal["info", "warning", "error", "never"] = "error"
    statements: int = field(default=0)


def as_json(record: Record) -> str:
    """The record as text. What a GitHub runner would take for a command in its log is written another way."""
    found = json.dumps(to_plain(record), indent=1, ensure_ascii=False)
    return found.encode("utf-8", "backslashreplace").decode().replace("##[", "##\\u005b") + "\n"


def read(path: Path) -> Record:
    """The record in a file that somebody else may have made. Errors: UsageError for one that is too large, no
    record, or of another version of agentdb's format."""
    hint = "It is the file that `agentdb pr --json FILE` writes."
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the record cannot be read: {error.strerror}", where=str(path), hint=hint) from None
    return parsed(data, str(path))


def parsed(data: bytes, where: str = "") -> Record:
    """The record in a text. Errors: UsageError, without a word of the text itself."""
    from pydantic import TypeAdapter, ValidationError

    hint = "It is the file that `agentdb pr --json FILE` writes."
    if len(data) > MAX_BYTES:
        raise UsageError(f"the record is larger than {MAX_BYTES // 1024 // 1024} MB", where=where, hint=hint)
    try:
        made = TypeAdapter(Record).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(part if isinstance(part, str) and part.isidentifier() else "…" for part in first["loc"][:4])
        raise UsageError(f"this is no record of a pull request ({place or 'JSON'})", where=where, hint=hint) from None
    except RecursionError:
        raise UsageError("this is no record of a pull request", where=where, hint=hint) from None
    if made.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"the record has format {made.schema_version}, this agentdb reads {SCHEMA_VERSION}",
            where=where,
            hint="Use the same version of agentdb in both jobs.",
        )
    return made


def kept(script: str) -> str:
    """A script as the record keeps it."""
    return script if len(script) <= MAX_SCRIPT else script[:MAX_SCRIPT] + "\n-- (the rest is left out)\n"


def plain(record: Record) -> dict[str, Any]:
    """The record as JSON-plain data."""
    found: dict[str, Any] = to_plain(record)
    return found
