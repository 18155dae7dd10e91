"""Numbers as people read them: one way to say a duration, a size, a share and a count."""

from __future__ import annotations


def seconds(value: float | None) -> str:
    """A duration: "4 s", "12 min", "3 h", "5 days"; "an unknown time" for None."""
    if value is None:
        return "an unknown time"
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (2 * 86400, 3600, "h")):
        if value < limit:
            return f"{value / unit:.0f} {word}"
    return f"{value / 86400:.0f} days"


def size(value: float | None) -> str:
    """A size in bytes: "812 B", "14 kB", "3.2 GB" (powers of 1024, as pg_size_pretty)."""
    if value is None:
        return "an unknown size"
    number = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit in ("B", "kB") or number >= 10 else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TB"


def share(value: float | None) -> str:
    """A part of one as per cent: "93 %"."""
    return "an unknown share" if value is None else f"{value * 100:.0f} %"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 index", "3 indexes"; without `many` an s is added."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 3) -> str:
    """ "a, b and 4 more"."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
