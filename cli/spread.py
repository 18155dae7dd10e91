"""Independent pieces of work spread over the machine's processors, in processes that are forked from this one.

Forking spares each the imports, and what was read before the fork is there already. Where there is no fork (Windows),
or it is not safe (macOS, where system libraries may hold locks at that moment), one process does all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

Made = TypeVar("Made")

FEWEST = 48  # pieces below which starting processes costs more than it gains
CHUNK = 16

_work: Callable[[int], object] | None = None


def spread(work: Callable[[int], Made], count: int) -> list[Made]:
    """[work(0), ..., work(count - 1)]. What `work` returns must be picklable; an error in it is raised here."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    if count < FEWEST or processors < 2:
        return [work(number) for number in range(count)]
    import gc
    import multiprocessing

    global _work
    _work = work
    gc.freeze()  # the collector of a forked process would copy every page that it looks at
    try:
        with multiprocessing.get_context("fork").Pool(min(processors, 8), initializer=gc.disable) as pool:
            return pool.map(_one, range(count), CHUNK)
    finally:
        _work = None
        gc.unfreeze()


def _one(number: int) -> Made:  # type: ignore[type-var]
    assert _work is not None
    return _work(number)  # type: ignore[return-value]
