"""One effect of a statement on one thing, and how it is named to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Key(NamedTuple):
    """What is touched: the space of names, the name, and the part of it ("" is the object itself).

    part: "column email", "constraint total_check", "trigger stamp", "data of email", "rows", "owner".
    """

    space: str
    name: str
    part: str = ""

    @property
    def whole(self) -> Key:
        return Key(self.space, self.name)


@dataclass(frozen=True, slots=True)
class Touch:
    """One effect of one statement.

    action: creates | drops | changes | uses. word: what the object is to people ("table", "index").
    tolerant: IF EXISTS or IF NOT EXISTS stands there. replaces: OR REPLACE stands there.
    needs: of something created, what takes it along when dropped (an index's table, what a view reads).
    """

    action: str
    key: Key
    word: str = ""
    tolerant: bool = False
    replaces: bool = False
    needs: tuple[Key, ...] = ()
    line: int = 0
    statement: int = 0

    @property
    def label(self) -> str:
        """ "column orders.email", "table orders", "trigger stamp on orders"."""
        return label(self.key, self.word)


@dataclass(frozen=True, slots=True)
class Touched:
    """Every touch of a script in order; `opaque` are the lines of statements whose effects cannot be read."""

    touches: tuple[Touch, ...]
    opaque: tuple[int, ...] = ()
    broken: str = ""

    def of(self, *actions: str) -> tuple[Touch, ...]:
        return tuple(t for t in self.touches if t.action in actions)


def label(key: Key, word: str = "") -> str:
    """An object or its part in words."""
    what, _, inner = key.part.partition(" ")
    if not key.part:
        return f"{word or key.space} {key.name}"
    if what == "column":
        return f"column {key.name}.{inner}"
    if key.part.startswith("data of "):
        return f"the data of {key.name}.{key.part.removeprefix('data of ')}"
    if key.part == "rows":
        return f"the rows of {key.name}"
    return f"{key.part} of {key.name}" if what in ("value", "column") or not inner else f"{key.part} on {key.name}"


def plain(name: str) -> str:
    """A name without the schema that an unqualified one is taken to mean."""
    return name.removeprefix("public.")
