"""Which of the reckoned lock times are worth a reader's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHORT = 1.0  # seconds


def noteworthy(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The locks that may be held for a second or more, and those of which it is not known."""
    return [e for e in entries if e["seconds"] is None or e["seconds"][1] >= SHORT]


def rest(entries: Sequence[Mapping[str, Any]]) -> str:
    """The others in one line; "" when there are none."""
    count = len(entries) - len(noteworthy(entries))
    if not count:
        return ""
    more = "more " if count < len(entries) else ""
    return f"{count} {more}lock{'' if count == 1 else 's'}, {'' if count == 1 else 'each '}held for less than a second."
