"""An ignore comment whose day has passed."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="expired-ignore",
    title="Ignore that has run out",
    severity=Severity.WARNING,
    category=Category.HYGIENE,
    why="The ignore was meant to hold until a day that is past; the finding counts again.",
    fix="Mend the statement, or look at the reason again and set a new day.",
    bad="-- agentdb: ignore ban-drop-table nobody reads it (until 2020-01-01)\nSELECT 1;",
    good="-- agentdb: ignore ban-drop-table nobody reads it (until 2999-01-01)\nDROP TABLE orders;",
    source="docs/rules.md, Ignoring a finding.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found in ignores.py
