"""A gap in the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...records import Finding, Severity
from ..case import Case, finding
from ..registry import conflict

# Eight digits and more are dates or times, not a count: there every step is a gap.
LARGEST_COUNT = 10_000_000


@conflict(
    "conflict-missing-number",
    Severity.WARNING,
    condition="Numbers are missing between the lowest and the highest; files in archived/ and rows of the ledger count.",
    effect="A file may have been lost in a merge, or may still come and then run out of order.",
    remedy="Find the lost file (git log --all -- the folder), or leave the gap when the number was given up.",
)
def missing_number(case: Case) -> Iterator[Finding]:
    """One finding per gap, at the file after it."""
    present = {m.number for m in case.migrations} | {int(r.version) for r in case.ledger} | case.archived_numbers
    present |= {m.number for m in case.branch.theirs} if case.branch else set()
    present = {n for n in present if 0 < n < LARGEST_COUNT}
    if not present:
        return
    accounted = present | {n for n in case.given_up if min(present) < n < max(present)}
    for before, after in pairwise(sorted(accounted)):
        if after - before < 2:
            continue
        place = min((m for m in case.migrations if m.number >= after), key=lambda m: (m.number, m.name), default=None)
        width = len(place.version) if place else 3
        first, last = str(before + 1).zfill(width), str(after - 1).zfill(width)
        span = f"Number {first} is" if first == last else f"Numbers {first} to {last} are"
        yield finding(
            "conflict-missing-number",
            Severity.WARNING,
            case.path(place) if place else "",
            f"{span} missing before {place.label if place else str(after).zfill(width)}.",
            "A file may have been lost in a merge, or may come later and then run out of order.",
            "Look for it with git log --all --diff-filter=D -- '*.sql'; if the number was given up, leave the gap.",
            line=1,
        )
