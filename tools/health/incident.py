"""What is wrong with a live database: the facts, and what they mean, without a model and without touching anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .hypothesis import Certainty, Hypothesis, Step
from .incidents import (
    against_wraparound,
    blind_spots,
    blocked_sessions,
    exhausted_sequences,
    failed_index_builds,
    forgotten_transactions,
    half_applied,
    stuck_advisory_lock,
    too_many_connections,
)
from .situation import Situation, situation

__all__ = ["FINDERS", "Certainty", "Hypothesis", "Situation", "Step", "assess", "situation"]

# What hurts most people right now comes first. Each looks for one kind of incident; none asks the database.
FINDERS: tuple[Callable[[Situation], Iterator[Hypothesis]], ...] = (
    too_many_connections.find,
    blocked_sessions.find,
    against_wraparound.find,
    stuck_advisory_lock.find,
    half_applied.find,
    failed_index_builds.find,
    exhausted_sequences.find,
    forgotten_transactions.find,
    blind_spots.find,
)


def assess(facts: Situation) -> tuple[Hypothesis, ...]:
    """What the facts say is going on, the most urgent first; empty when they say nothing. The same facts give the
    same answer."""
    return tuple(found for finder in FINDERS for found in finder(facts))
