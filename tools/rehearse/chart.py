"""Who waited, moment by moment: as bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from .trial import Look, Trial

EIGHTHS = " ▁▂▃▄▅▆▇█"
PLAIN = " ..::++##"  # the same steps where the terminal knows ASCII only


def scale(trials: Sequence[Trial]) -> tuple[float, int]:
    """The time and the number of waiting sessions to which all charts reach, so that they compare."""
    longest = max((t.looks[-1].at for t in trials if t.looks), default=1.0)
    return longest, max([1, *(t.peak for t in trials)])


def columns(looks: Sequence[Look], count: int, longest: float) -> list[int]:
    """The most that waited in each of `count` equal spans of time; a span without a look repeats the one before."""
    found: list[int | None] = [None] * count
    for look in looks:
        at = min(int(look.at / longest * count), count - 1)
        found[at] = max(found[at] or 0, look.waiting)
    last = int(looks[-1].at / longest * count) if looks else -1
    filled, now = [], 0
    for place, value in enumerate(found):
        now = value if value is not None else (now if place <= last else 0)
        filled.append(now)
    return filled


def bars(
    trial: Trial, *, longest: float, most: int, width: int = 64, height: int = 3, ascii_only: bool = False
) -> list[str]:
    """The chart's lines, the topmost first, each `width` characters."""
    steps = PLAIN if ascii_only else EIGHTHS
    values = [
        min(round(v / most * height * 8) or (1 if v else 0), height * 8) for v in columns(trial.looks, width, longest)
    ]
    return ["".join(steps[max(0, min(v - level * 8, 8))] for v in values) for level in reversed(range(height))]


def axis(longest: float, width: int = 64) -> str:
    """The seconds below the charts, `width` characters."""
    end = f"{longest:.1f} s"
    middle = f"{longest / 2:.1f} s"
    left = "0 s".ljust(width // 2 - len(middle) // 2) + middle
    return left.ljust(width - len(end)) + end
