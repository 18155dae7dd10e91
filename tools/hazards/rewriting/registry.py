"""The rewriters: one decorated function a file in rewrites/, found by name.

    @rewriter(rules=("require-concurrent-index",), form="CREATE INDEX CONCURRENTLY", on=("index_stmt",))
    def rewrite(place: Place) -> list[Part] | None:
        return [Part("CREATE INDEX CONCURRENTLY ...", Room.OUTSIDE, phase=1, step="index")]

A rewriter may be wrong: what it writes is tried (tools/fixes). None says that it has nothing to do with this place,
NoForm that the hazard has a safe form but not for this shape, and why. Adding a rewriter touches its file only.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .place import Place


class Room(StrEnum):
    """Which transaction a statement needs."""

    TOGETHER = "together"  # any, also one that it shares with its neighbours
    OWN = "own"  # one of its own: it works long, and would hold what others took
    OUTSIDE = "outside"  # none


@dataclass(frozen=True, slots=True)
class Part:
    """One statement of a rewrite, without its semicolon.

    phase: 0 stands where the original stood; higher ones may wait until the rest of the file has run, in order.
    step: the word for a file that begins with it ("validate"). bond: statements of the same bond must share one
    transaction. writes: tables (as SQL) whose old rows it writes, in batches.
    """

    sql: str
    room: Room = Room.TOGETHER
    phase: int = 0
    step: str = ""
    bond: str = ""
    writes: tuple[str, ...] = ()


class NoForm(Exception):
    """The hazard has a safe form, but not here; the text says why, as a sentence without its full stop."""


Rewrite = Callable[["Place"], "list[Part] | None"]


@dataclass(frozen=True, slots=True)
class Rewriter:
    """A rewriter as the registry and the documentation know it.

    rules: the findings it answers. form: what it writes, in a line. on: names of the parser's nodes; an ALTER TABLE is
    given action by action (`actions`: kinds of the actions it looks at, "" for the whole statement). last: only asked
    when no other has an answer.
    """

    name: str
    rules: tuple[str, ...]
    form: str
    on: tuple[str, ...]
    actions: tuple[str, ...]
    last: bool
    rewrite: Rewrite


_found: dict[str, Rewriter] = {}


def rewriter(
    *, rules: tuple[str, ...], form: str, on: tuple[str, ...] = (), actions: tuple[str, ...] = (), last: bool = False
) -> Callable[[Rewrite], Rewrite]:
    """Register the decorated function. `actions` implies ALTER TABLE."""

    def register(rewrite: Rewrite) -> Rewrite:
        name = rewrite.__module__.rpartition(".")[2]
        _found[name] = Rewriter(name, rules, form, on, actions, last, rewrite)
        return rewrite

    return register


@cache
def rewriters() -> tuple[Rewriter, ...]:
    """Every rewriter by its file's name, those that come last at the end."""
    from .. import rewrites as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return tuple(sorted(_found.values(), key=lambda r: (r.last, r.name)))


@cache
def answered() -> frozenset[str]:
    """The ids of the rules that some rewriter answers."""
    return frozenset(rule for one in rewriters() for rule in one.rules)
