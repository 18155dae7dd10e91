"""The kinds of conflict: each one decorated function in a file of its own in kinds/."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from ..records import Finding, Migration, Severity
from .case import Case


@dataclass(frozen=True, slots=True)
class Paired:
    """A finding about two migrations whose order running them both ways would settle (merge_order)."""

    finding: Finding
    first: Migration
    second: Migration


Search = Callable[[Case], Iterator[Finding | Paired]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way in which migrations can collide. severity: the highest that it gives.

    condition: when it is found. effect: what happens if nobody acts. remedy: what to do; `fixable` when
    `agentdb conflicts --fix` can do it.
    """

    id: str
    severity: Severity
    condition: str
    effect: str
    remedy: str
    fixable: bool = False
    search: Search = field(repr=False, default=lambda case: iter(()))


_KINDS: dict[str, Kind] = {}


def conflict(
    id: str, severity: Severity, *, condition: str, effect: str, remedy: str, fixable: bool = False
) -> Callable[[Search], Search]:
    """Declare a function as the search for the conflict `id` ("conflict-..."; the file is named like it)."""

    def declared(search: Search) -> Search:
        if id in _KINDS:
            raise ValueError(f"two kinds of conflict are called {id}")
        _KINDS[id] = Kind(id, severity, condition, effect, remedy, fixable, search)
        return search

    return declared


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind of conflict, sorted by id."""
    from . import kinds as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return tuple(_KINDS[k] for k in sorted(_KINDS))
