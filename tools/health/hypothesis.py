"""What may be going on in a live database: how sure that is, from which facts, and what a person may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Certainty(StrEnum):
    """measured: the server says so. likely: it fits the facts. unknown: the facts to tell are missing."""

    MEASURED = "measured"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a person may do. action: wait | cancel | terminate | retry | resume | roll back | mend | look.

    risk: what it costs or may break. sql: the exact SQL, or command: the exact command; both may be empty for waiting.
    """

    action: str
    what: str
    risk: str
    sql: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What may be going on. because: the facts, each one line. next_steps: choices, the mildest first."""

    kind: str
    title: str
    certainty: Certainty
    because: tuple[str, ...]
    next_steps: tuple[Step, ...]
