"""Units of work in an order in which the server accepts them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def ordered(units: Sequence[T], edges: Iterable[tuple[T, T]], rank: Mapping[T, tuple[int, ...]]) -> list[T]:
    """The units so that for every edge (first, second) first comes before second, else by rank, else as given.

    A circle is broken at the unit of lowest rank in what is left: the caller's script is tried on a server anyway.
    """
    place = {u: i for i, u in enumerate(units)}
    after: dict[T, set[T]] = defaultdict(set)
    waits: dict[T, int] = dict.fromkeys(units, 0)
    for first, second in edges:
        if first != second and first in place and second in place and second not in after[first]:
            after[first].add(second)
            waits[second] += 1

    def key(unit: T) -> tuple[tuple[int, ...], int]:
        return rank.get(unit, ()), place[unit]

    ready = [(key(u), place[u]) for u in units if not waits[u]]
    heapq.heapify(ready)
    done: list[T] = []
    left = set(units)
    while left:
        if not ready:
            stuck = min(left, key=key)
            waits[stuck] = 0
            heapq.heappush(ready, (key(stuck), place[stuck]))
        _, index = heapq.heappop(ready)
        unit = units[index]
        if unit not in left:
            continue
        left.discard(unit)
        done.append(unit)
        for other in after[unit]:
            waits[other] -= 1
            if waits[other] == 0 and other in left:
                heapq.heappush(ready, (key(other), place[other]))
    return done
