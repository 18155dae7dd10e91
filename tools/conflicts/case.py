"""Everything that the search for conflicts looks at, read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from .. import naming
from ..records import Finding, Migration, Severity
from .touch import Touched
from .touches import touched


class LedgerRow(Protocol):
    """What the search needs of a row of the ledger; ledger.history.HistoryRow is one."""

    @property
    def version(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def checksum(self) -> str: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Branch:
    """Another branch, read from git without a checkout.

    base: the ref as the person wrote it. theirs: its migrations at its tip. common: (label -> sha256) of the files
    where the branches parted. common_states: the folder in which each of those lay there.
    """

    base: str
    theirs: tuple[Migration, ...] = ()
    common: dict[str, str] = field(default_factory=dict)
    common_states: dict[str, str] = field(default_factory=dict)

    @property
    def new_there(self) -> tuple[Migration, ...]:
        """The migrations that the other branch added since the two parted."""
        return tuple(m for m in self.theirs if m.label not in self.common)


@dataclass(frozen=True, eq=False)
class Case:
    """The files of a project, what a ledger says of them, and the branch they are to be merged into.

    ledger: rows of attempts to apply; empty when no database was asked. rollbacks: the files in rollback/ (scripts
    and captures). archived: the files in archived/. root: paths in findings are relative to it.
    given_up: numbers that nobody uses on purpose.
    """

    migrations: tuple[Migration, ...]
    ledger: tuple[LedgerRow, ...] = ()
    rollbacks: tuple[Path, ...] = ()
    archived: tuple[Path, ...] = ()
    branch: Branch | None = None
    root: Path | None = None
    given_up: frozenset[int] = frozenset()

    @cached_property
    def applied_numbers(self) -> frozenset[int]:
        """Numbers that the ledger has as applied or begun."""
        return frozenset(int(r.version) for r in self.ledger if r.status in ("applied", "running"))

    @cached_property
    def archived_numbers(self) -> frozenset[int]:
        """Numbers of the files in archived/."""
        parts = (naming.parse_name(p.name) for p in self.archived)
        return frozenset(int(p.version) for p in parts if p)

    def is_applied(self, migration: Migration) -> bool:
        """Whether the file may no longer be changed: it lies in applied/, or the ledger has its number and name."""
        if migration.state == "applied":
            return True
        return any(
            int(r.version) == migration.number and r.name == migration.name and r.status in ("applied", "running")
            for r in self.ledger
        )

    @cached_property
    def ordered(self) -> tuple[Migration, ...]:
        """The migrations as they run: what is applied first, then the pending ones by number and name."""
        return tuple(sorted(self.migrations, key=lambda m: (not self.is_applied(m), m.number, m.name)))

    @cached_property
    def pending(self) -> tuple[Migration, ...]:
        return tuple(m for m in self.ordered if not self.is_applied(m))

    @cached_property
    def applied(self) -> tuple[Migration, ...]:
        return tuple(m for m in self.ordered if self.is_applied(m))

    def touched(self, migration: Migration) -> Touched:
        return touched(migration.sql)

    def path(self, place: Migration | Path) -> str:
        """A file as findings name it."""
        path = place.path if isinstance(place, Migration) else place
        if self.root is not None and path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return path.as_posix()

    def by_number(self) -> dict[int, list[Migration]]:
        """The migrations of each number, in order of numbers; within one the applied ones first."""
        found: dict[int, list[Migration]] = {}
        for migration in sorted(self.ordered, key=lambda m: m.number):
            found.setdefault(migration.number, []).append(migration)
        return found

    def pairs(self, candidates: Sequence[Migration]) -> Iterator[tuple[Migration, Migration]]:
        """Every two of the migrations, the earlier first."""
        for index, first in enumerate(candidates):
            for second in candidates[index + 1 :]:
                yield first, second


def finding(
    rule: str,
    severity: Severity,
    place: str,
    title: str,
    why: str,
    fix: str,
    *,
    line: int = 0,
    statement: int | None = None,
    objects: Sequence[str] = (),
) -> Finding:
    """A conflict as a Finding. title: what is so; why: whom it hurts; fix: what to do."""
    return Finding(rule, severity, title, why, fix, place, line, statement, tuple(objects))


def header_line(migration: Migration, key: str, value: str = "") -> int:
    """The line of `-- key: ...value...` at the top of the file; 1 when it is not found."""
    for number, line in enumerate(migration.sql.splitlines(), 1):
        text = line.strip().removeprefix("--").strip()
        if text.startswith(f"{key}:") and value in text:
            return number
    return 1


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence: "a, b and c"; the rest is counted."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
