"""What a check of a live database says: a status, one line, the rows behind it, and advice that nobody executes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]


class Status(StrEnum):
    """How a check came out. unknown: it could not be answered; that is never the same as ok."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARN = "warn"
    BAD = "bad"

    @property
    def rank(self) -> int:
        return ("ok", "unknown", "warn", "bad").index(self.value)


@dataclass(frozen=True, slots=True)
class Advice:
    """What a person may do, and the SQL or command for it, ready to paste. agentdb never runs it."""

    text: str
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check's function returns. rows: JSON-plain, worst first."""

    status: Status
    summary: str
    rows: tuple[Row, ...] = ()
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer. total: how many rows there were before the report cut them; ms: how long it took.

    limits: the thresholds that were used.
    """

    id: str
    title: str
    question: str
    status: Status
    summary: str
    rows: tuple[Row, ...] = ()
    advice: tuple[Advice, ...] = ()
    total: int = 0
    limits: Mapping[str, float] = field(default_factory=dict)
    ms: float = 0.0


def ok(summary: str, rows: Iterable[Row] = (), advice: Sequence[Advice] = ()) -> Outcome:
    return Outcome(Status.OK, summary, tuple(rows), tuple(advice))


def warn(summary: str, rows: Iterable[Row] = (), advice: Sequence[Advice] = ()) -> Outcome:
    return Outcome(Status.WARN, summary, tuple(rows), tuple(advice))


def bad(summary: str, rows: Iterable[Row] = (), advice: Sequence[Advice] = ()) -> Outcome:
    return Outcome(Status.BAD, summary, tuple(rows), tuple(advice))


def unknown(summary: str, rows: Iterable[Row] = (), advice: Sequence[Advice] = ()) -> Outcome:
    return Outcome(Status.UNKNOWN, summary, tuple(rows), tuple(advice))


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; ok when there are none."""
    return max(statuses, key=lambda s: s.rank, default=Status.OK)
