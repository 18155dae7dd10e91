"""What exists after each migration, as far as the files tell, and where one meets a thing that it cannot expect."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ..records import Migration
from .case import Case
from .dependencies import same_object
from .touch import Key, Touch


@dataclass(frozen=True, slots=True)
class Clash:
    """what: created-twice | dropped-twice | used-after-drop. `first` made or dropped what `second` touches."""

    what: str
    first: Migration
    second: Migration
    touch: Touch


@dataclass
class _World:
    """The things of which the files say that they exist, or that they were dropped."""

    made_by: dict[Key, Migration] = field(default_factory=dict)
    dropped_by: dict[Key, Migration] = field(default_factory=dict)
    needs: dict[Key, set[Key]] = field(default_factory=dict)  # a table -> indexes and views built on it
    parts: dict[Key, set[Key]] = field(default_factory=dict)  # a table -> its columns, constraints ...
    overloads: dict[str, set[Key]] = field(default_factory=dict)

    def make(self, touch: Touch, migration: Migration) -> None:
        self.dropped_by.pop(touch.key, None)
        self.made_by[touch.key] = migration
        if touch.key.part:
            self.parts.setdefault(touch.key.whole, set()).add(touch.key)
        for needed in touch.needs:
            self.needs.setdefault(needed, set()).add(touch.key)
        if touch.key.space == "function":
            self.overloads.setdefault(touch.key.name.partition("(")[0], set()).add(touch.key)

    def drop(self, touch: Touch, migration: Migration) -> None:
        for key in self.same(touch.key):
            self.made_by.pop(key, None)
            self.dropped_by[key] = migration
            for inner in (*self.parts.pop(key, ()), *self.needs.pop(key, ())):
                self.forget(inner)
        if touch.key.space == "schema":
            inside = f"{touch.key.name}."
            for key in [k for k in (*self.made_by, *self.dropped_by) if k.name.startswith(inside)]:
                self.forget(key)

    def forget(self, key: Key) -> None:
        """Nothing is known of the thing any more, nor of what is built on it."""
        self.made_by.pop(key, None)
        self.dropped_by.pop(key, None)
        for inner in (*self.parts.pop(key, ()), *self.needs.pop(key, ())):
            self.forget(inner)

    def same(self, key: Key) -> list[Key]:
        """The keys that a key may mean: a function named without its arguments is each one of that name."""
        if key.space != "function" or "(" in key.name:
            return [key]
        return [k for k in self.overloads.get(key.name, ()) if same_object(k, key)] or [key]

    def dropper(self, key: Key) -> Migration | None:
        """Who dropped the thing, when nothing of that name is left."""
        keys = self.same(key)
        if key.space == "function" and "(" in key.name:
            keys = [key, key._replace(name=key.name.partition("(")[0])]
        if any(k in self.made_by for k in keys):
            return None
        return next((self.dropped_by[k] for k in keys if k in self.dropped_by), None)


@lru_cache(maxsize=8)
def clashes(case: Case) -> tuple[Clash, ...]:
    """Where a pending migration creates what exists, drops what is gone, or uses what was dropped before it.

    Only what the files say is known; a thing that no file creates or drops gives no clash. A clash of two applied
    migrations is history and not told, nor one inside a single file, which the sandbox shows.
    """
    world = _World()
    found: list[Clash] = []
    pending = {m.path for m in case.pending}

    def tell(what: str, first: Migration | None, second: Migration, touch: Touch) -> None:
        if first is not None and first is not second and second.path in pending:
            found.append(Clash(what, first, second, touch))

    for migration in case.ordered:
        for touch in case.touched(migration).touches:
            match touch.action:
                case "creates":
                    if not touch.replaces:
                        tell("created-twice", world.made_by.get(touch.key), migration, touch)
                    if not (touch.tolerant and touch.key in world.made_by):
                        world.make(touch, migration)
                case "drops":
                    if not touch.tolerant:
                        tell("dropped-twice", world.dropper(touch.key), migration, touch)
                    world.drop(touch, migration)
                case _:
                    if not touch.tolerant:
                        tell("used-after-drop", world.dropper(touch.key), migration, touch)
    return tuple(found)
