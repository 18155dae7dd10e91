"""What the role may not see."""

from __future__ import annotations

from collections.abc import Iterator

from ...sql.quote import ident
from ..hypothesis import Certainty, Hypothesis, Step
from ..situation import Situation


def find(facts: Situation) -> Iterator[Hypothesis]:
    """What could not be looked at."""
    if facts.unanswered:
        yield Hypothesis(
            "blind-spots",
            "not everything could be looked at",
            Certainty.UNKNOWN,
            tuple(f"{part}: {why}" for part, why in facts.unanswered.items()),
            (
                Step(
                    "mend",
                    "Let the role see sessions and statistics.",
                    "It then sees the statements of everybody.",
                    sql=f"GRANT pg_monitor TO {ident(facts.server.role)};",
                ),
            ),
        )
