"""What changed between two snapshots: a list of typed changes, each with a sentence for people.

Objects are matched by their identity; a rename is never guessed, it is told (`renames`, see `renames_of` for those
that a script spells out). What hangs on a renamed object follows it, and text that only names it anew is no change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .model import ObjectId, SchemaObject, Snapshot
from .renames import renames_of
from .renaming import Renaming
from .sentences import sentence
from .snapshot import SOFT

__all__ = ["Change", "diff", "renames_of", "significant"]


@dataclass(frozen=True, slots=True)
class Change:
    """One object added, dropped, altered or renamed.

    id: as it is afterwards; of a dropped one, as it was. properties: the names of those that differ (altered only).
    An object that is renamed and altered is two changes, the rename first.
    """

    kind: Literal["added", "dropped", "altered", "renamed"]
    id: ObjectId
    before: SchemaObject | None
    after: SchemaObject | None
    properties: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The change in one plain sentence."""
        return sentence(self.kind, self.before, self.after, self.properties)


def diff(
    before: Snapshot, after: Snapshot, *, renames: Mapping[ObjectId, ObjectId] | None = None
) -> tuple[Change, ...]:
    """The changes that lead from `before` to `after`, in order of identity; empty when there are none.

    renames: identity before -> identity after. Those that do not hold (the one not in `before`, the other not in
    `after`) are passed over. A column counts as moved (`position`) only when its order among the columns that both
    have differs, not when others before it come or go.
    """
    given = {old: new for old, new in (renames or {}).items() if old in before.objects and new in after.objects}
    renaming = Renaming(before, given)
    targets = set(given.values())
    pairs: dict[ObjectId, ObjectId] = {}
    changes: list[Change] = []
    for old, found in before.objects.items():
        new = renaming.id(old)
        if new in after.objects and (old in given or new not in targets):
            pairs[old] = new
        else:
            changes.append(Change("dropped", old, found, None))
    kept = set(pairs.values())
    changes.extend(Change("added", new, None, found) for new, found in after.objects.items() if new not in kept)
    unequal = []
    for old, new in pairs.items():
        if old in given and old != new:
            changes.append(Change("renamed", new, before.objects[old], after.objects[new]))
        if before.objects[old].properties != after.objects[new].properties:
            unequal.append((old, new))
    moved = _moved(before, after, pairs, unequal)
    for old, new in unequal:
        names = _differing(before.objects[old], after.objects[new], renaming)
        if new not in moved:
            names = tuple(n for n in names if n != "position" or new.kind != "column")
        if names:
            changes.append(Change("altered", new, before.objects[old], after.objects[new], names))
    order = {"renamed": 0, "altered": 1, "dropped": 2, "added": 3}
    return tuple(sorted(changes, key=lambda c: (c.id, order[c.kind])))


def significant(
    changes: Iterable[Change], *, ignore_positions: bool = True, ignore_properties: Collection[str] = ()
) -> tuple[Change, ...]:
    """The changes that make another schema: without soft properties (snapshot.SOFT) and, unless asked for, without
    mere moves of columns. A change that also has something else to say keeps only that."""
    ignored = SOFT | frozenset(ignore_properties) | (frozenset({"position"}) if ignore_positions else frozenset())
    kept = []
    for change in changes:
        if change.kind == "altered":
            names = tuple(n for n in change.properties if n not in ignored)
            if not names:
                continue
            change = replace(change, properties=names)
        kept.append(change)
    return tuple(kept)


def _differing(before: SchemaObject, after: SchemaObject, renaming: Renaming) -> tuple[str, ...]:
    """The names of the properties that differ, after renames."""
    old: Mapping[str, Any] = before.properties
    new = after.properties
    return tuple(
        name
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and not renaming.same(before.id, name, old.get(name), new.get(name))
    )


def _moved(
    before: Snapshot, after: Snapshot, pairs: Mapping[ObjectId, ObjectId], unequal: list[tuple[ObjectId, ObjectId]]
) -> set[ObjectId]:
    """The columns that left their place among the columns that both snapshots have: the fewest that explain it."""
    tables = {new[1:3] for _, new in unequal if new.kind == "column"}
    rows: dict[tuple[str, str], list[tuple[int, int, ObjectId]]] = {}
    for old, new in pairs.items() if tables else ():
        if new.kind == "column" and new[1:3] in tables:
            was, now = before.objects[old].properties["position"], after.objects[new].properties["position"]
            rows.setdefault((new.schema, new.parent), []).append((was, now, new))
    moved: set[ObjectId] = set()
    for columns in rows.values():
        columns.sort()
        stay = _longest_rising([now for _, now, _ in columns])
        moved.update(id for i, (_, _, id) in enumerate(columns) if i not in stay)
    return moved


def _longest_rising(numbers: list[int]) -> set[int]:
    """The indexes of a longest rising subsequence (patience sorting)."""
    tails: list[int] = []
    at: list[int] = []
    back: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        back.append(at[place - 1] if place else -1)
        if place == len(tails):
            tails.append(number)
            at.append(index)
        else:
            tails[place], at[place] = number, index
    found: set[int] = set()
    index = at[-1] if at else -1
    while index >= 0:
        found.add(index)
        index = back[index]
    return found
