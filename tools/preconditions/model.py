"""What the rows of a target must be like for a statement to run, and what the target said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST = 1_000  # rows are counted up to here; more are "at least 1,000"


class Work(StrEnum):
    """What counting costs: the table read once, rows grouped, rows looked up in another table, pairs of rows."""

    SCAN = "scan"
    GROUP = "group"
    LOOKUP = "lookup"
    PAIRS = "pairs"


@dataclass(frozen=True, slots=True)
class Precondition:
    """One thing that must hold of the rows before a statement runs.

    kind: which ("nulls", "duplicates", "orphans", ...). holds, broken: what it means that no row, or some rows, were
    counted. sql: one SELECT that gives a column "count" (at most MOST + 1), "" when it is not to be asked, and then
    `obstacle` says why. trial: the SELECT computes what the statement will compute, and an error of class 22 or 23
    means that a row breaks it. information: rows are told, not forbidden. rows: how many are read, as statistics say.
    """

    kind: str
    holds: str
    broken: str
    fix: str = ""
    sql: str = ""
    obstacle: str = ""
    work: Work = Work.SCAN
    rows: int = 0
    relation: str = ""
    columns: tuple[str, ...] = ()
    trial: bool = False
    information: bool = False
    path: str = ""
    line: int = 0
    statement: int = 0


class State(StrEnum):
    """What the target said: no row breaks it, some do, or it was not asked or gave no answer."""

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A precondition and what came of it. count: rows that break it, at most MOST (then `capped`); None when nobody
    counted. reason: why it is unknown. No value of a row is ever in here."""

    asked: Precondition
    state: State
    count: int | None = None
    capped: bool = False
    reason: str = ""
    ms: float = 0.0

    @property
    def refuses(self) -> bool:
        """Whether the statement cannot run on these rows."""
        return self.state is State.VIOLATED and not self.asked.information

    @property
    def number(self) -> str:
        """How many, in words."""
        if self.count is None:
            return "not counted"
        if self.asked.trial:
            return "at least one"
        return f"at least {self.count:,}" if self.capped else f"{self.count:,}"

    @property
    def line(self) -> str:
        """What the target said, in one line."""
        if self.state is State.UNKNOWN:
            return f"{self.asked.holds}: not known, {self.reason}"
        if self.state is State.SATISFIED:
            return self.asked.holds
        return f"{self.asked.broken}: {self.number}"
