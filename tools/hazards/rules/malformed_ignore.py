"""An ignore comment without a reason, or with a rule that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="malformed-ignore",
    title="Ignore that cannot be understood",
    severity=Severity.WARNING,
    category=Category.HYGIENE,
    why="An ignore needs the id of a rule and a reason; without them it silences nothing.",
    fix="-- agentdb: ignore RULE reason (until 2027-01-01)",
    bad="-- agentdb: ignore ban-drop-table\nSELECT 1;",
    good="-- agentdb: ignore ban-drop-table archived in March\nDROP TABLE orders;",
    source="docs/rules.md, Ignoring a finding.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in ignores.py
