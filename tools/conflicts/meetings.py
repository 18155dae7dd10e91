"""Where the touches of two migrations meet."""

from __future__ import annotations

from dataclasses import dataclass

from .dependencies import same_object
from .touch import Touch, Touched


@dataclass(frozen=True, slots=True)
class Meeting:
    """One thing that both change: what the first does to it, and what the second does."""

    first: Touch
    second: Touch


def meetings(first: Touched, second: Touched) -> tuple[Meeting, ...]:
    """The things that both scripts change, replace or that the second drops after the first changed them.

    What the first creates and the second alters is not among them: that is building on it. A plain CREATE of one
    thing in both is a failure of its own (conflict-created-twice).
    """
    created = {t.key for t in first.of("creates") if not t.replaces}
    found: dict[object, Meeting] = {}
    for mine in first.touches:
        if not _alters(mine) or mine.key in created:
            continue
        for other in second.touches:
            if other.key == mine.key or (mine.key.space == "function" and same_object(mine.key, other.key)):
                meets = _alters(other) or other.action == "drops"
            else:
                meets = other.action == "drops" and other.key == mine.key.whole
            if meets:
                found.setdefault(other.key, Meeting(mine, other))
    return tuple(found.values())


def _alters(touch: Touch) -> bool:
    return touch.action == "changes" or (touch.action == "creates" and touch.replaces)


def created_by_both(first: Touched, second: Touched) -> tuple[Touch, ...]:
    """What both scripts create with a plain CREATE, as the second writes it: the one that runs later fails. Parts of
    a table that both create are left out."""
    mine = {t.key for t in first.of("creates") if not t.replaces}
    found = {t.key: t for t in second.of("creates") if t.key in mine and not t.replaces}
    return tuple(t for k, t in found.items() if not k.part or k.whole not in found)
