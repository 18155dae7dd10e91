"""The words that mean one thing everywhere: frozen records, JSON-plain inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any


class Severity(StrEnum):
    """How bad a finding is; `rank` orders them."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return ("info", "warning", "error").index(self.value)


class Proof(StrEnum):
    """What the sandbox said of a finding: seen to happen, seen not to happen, or not measured."""

    CONFIRMED = "CONFIRMED"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a statement stands in its file: byte offsets [start, end), line and column counted from 1."""

    start: int
    end: int
    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement of a script.

    kind: what it does in capitals ("CREATE INDEX", "ALTER TABLE", "UPDATE"), or "UNKNOWN" when not understood.
    creates, drops, changes, reads: object names as written, folded to lower case unless quoted, schema-qualified
    only when the SQL says so ("orders", "billing.invoice").
    transactional: False when PostgreSQL refuses it inside a transaction block, None when that cannot be told.
    """

    index: int
    text: str
    span: Span
    kind: str
    creates: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    transactional: bool | None = True


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file.

    version: the number as written ("007"); `sha256` is over the normalised bytes (see naming.normalised).
    headers: what `-- key: value` lines at the top say, e.g. {"depends": ("003",)}; see docs/migrations.md.
    state: the folder it lies in (pending | applied | archived).
    """

    version: str
    name: str
    path: Path
    sql: str
    sha256: str
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    state: str = "pending"
    rollback_path: Path | None = None
    capture_path: Path | None = None

    @property
    def number(self) -> int:
        return int(self.version)

    @property
    def label(self) -> str:
        return f"{self.version}_{self.name}"

    @property
    def no_transaction(self) -> bool:
        return "no-transaction" in self.headers.get("agentdb", ())


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that was measured: what ran, on which server, and what came of it. `result` is JSON-plain."""

    id: str
    kind: str
    summary: str
    command: str = ""
    server: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a migration: three short sentences (what it does, whom it hurts, what to write).

    held: how long the lock would be held on the target, where that was reckoned: relation, mode, seconds ([from, to], or
    None and why_unknown), basis, rows.
    """

    rule: str
    severity: Severity
    title: str
    why: str
    fix: str
    path: str = ""
    line: int = 0
    statement: int | None = None
    objects: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    proof: Proof = Proof.UNKNOWN
    id: str = ""
    ignored: str = ""
    held: Mapping[str, Any] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type[Finding], tuple[Any, ...]]:
        """Pickled as its values: thousands go from one process to another."""
        return Finding, _values(self)

    def with_id(self, id: str) -> Finding:
        """The finding under an id."""
        values = list(_values(self))
        values[_ID] = id
        return Finding(*values)


_NAMES = [f.name for f in dataclasses.fields(Finding)]
_ID = _NAMES.index("id")
_values = attrgetter(*_NAMES)


class CertificateClass(StrEnum):
    """What a rollback brings back."""

    LOSSLESS = "LOSSLESS"
    SCHEMA_ONLY = "SCHEMA_ONLY"
    LOSSY = "LOSSY"
    IMPOSSIBLE = "IMPOSSIBLE"


@dataclass(frozen=True, slots=True)
class Loss:
    """Data that a rollback does not bring back: where, how many rows were seen to differ, and why."""

    table: str
    columns: tuple[str, ...] = ()
    rows: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proven of a rollback, bound by hash to the scripts.

    steps: the proof in order, each {"step", "ok", "detail", "ms"}: up, writes, down, compare, up again, compare.
    proven is False when any step could not be run; then `reason` says why and the class is the most pessimistic
    that the run supports.
    """

    klass: CertificateClass
    proven: bool
    reason: str
    up_sha256: str
    down_sha256: str
    capture_sha256: str = ""
    losses: tuple[Loss, ...] = ()
    differences: tuple[str, ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    server: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One clear line for people."""
        word = f"{self.klass.value}{'' if self.proven else ' (not proven)'}"
        return f"{word}: {self.reason}" if self.reason else word


def to_plain(value: Any) -> Any:
    """The value as JSON-plain data: records become objects, tuples lists, paths and enums strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(v) for v in value)
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value
