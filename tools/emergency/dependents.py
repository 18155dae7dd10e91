"""Which later migrations build on one that is to be taken back: told by their statements and by the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..conflicts.touch import Key, Touch
from ..conflicts.touches import touched
from ..records import Migration
from ..schema.model import ObjectId, Snapshot
from .facts import Dependent

RELATIONS = ("table", "view", "materialized_view", "foreign_table", "sequence")
MOST = 3  # reasons named for each pair


def dependents(leaving: Sequence[Migration], later: Sequence[Migration], live: Snapshot) -> tuple[Dependent, ...]:
    """The migrations of `later` that cannot stay when `leaving` goes, in the order of `later`, with the reasons.

    leaving, later: with the texts that ran; later: those applied after the first of `leaving`, oldest first. Found is
    what touches an object that a leaving one made, or the same part of one that it changed; and what builds on a
    migration found so. A script that nobody can read (a DO block) is found by the catalog alone, if at all: the proof
    in the sandbox has the last word.
    """
    found: list[Dependent] = []
    going = list(leaving)
    for other in later:
        for one in going:
            because = [*_declared(one, other), *_by_statements(one, other), *_by_catalog(one, other, live)]
            if because:
                found.append(Dependent(other.label, one.label, tuple(dict.fromkeys(because))[:MOST]))
                going.append(other)
                break
    return tuple(found)


def _declared(one: Migration, other: Migration) -> list[str]:
    numbers = [n.split("_", 1)[0] for n in other.headers.get("depends", ())]
    return ["its header says so"] if any(n.isdigit() and int(n) == one.number for n in numbers) else []


def _by_statements(one: Migration, other: Migration) -> list[str]:
    """What both touch, in words."""
    made = [t for t in touched(one.sql).touches if t.action != "uses"]
    found = []
    for theirs in touched(other.sql).touches:
        for ours in made:
            if _meet(ours, theirs):
                line = f" (line {theirs.line})" if theirs.line else ""
                found.append(f"it {theirs.action} {theirs.label}, which {one.version} {ours.action}{line}")
                break
    return found


def _meet(ours: Touch, theirs: Touch) -> bool:
    """Whether what the later one does stands on what the earlier one did."""
    a, b = ours.key, theirs.key
    if a.whole != b.whole:
        return False
    part, other = _part(a), _part(b)
    if part == other:
        return True
    if not part:  # the whole object was made, renamed or dropped: all that is in it came after
        return ours.action in ("creates", "drops")
    return not other and theirs.action == "drops"


def _part(key: Key) -> str:
    return f"column {key.part.removeprefix('data of ')}" if key.part.startswith("data of ") else key.part


def _by_catalog(one: Migration, other: Migration, live: Snapshot) -> list[str]:
    """Objects that the later one made and that need, in the catalog, an object that the earlier one made."""
    base, built = _made(one, live), _made(other, live)
    built -= base
    if not base or not built:
        return []
    return [f"{id} needs {needed}" for id, needed in _needing(built, base, live)]


def _needing(built: Iterable[ObjectId], base: set[ObjectId], live: Snapshot) -> list[tuple[ObjectId, ObjectId]]:
    """(object, what it needs in the end) for those that stand on something in `base`."""
    found = []
    for id in sorted(built):
        ahead, known = [id], {id}
        while ahead:
            for needed in _needs(live, ahead.pop()):
                if needed in base:
                    found.append((id, needed))
                    ahead.clear()
                    break
                if needed not in known:
                    known.add(needed)
                    ahead.append(needed)
    return found


def _needs(live: Snapshot, id: ObjectId) -> tuple[ObjectId, ...]:
    """What the catalog says that an object needs, its own table with it."""
    found = live.objects.get(id)
    own = tuple(ObjectId(kind, id.schema, "", id.parent) for kind in RELATIONS) if id.parent else ()
    return (*(found.depends if found else ()), *(o for o in own if o in live.objects))


def _made(migration: Migration, live: Snapshot) -> set[ObjectId]:
    """The objects of now that a migration made, as far as its statements name them."""
    by_key: dict[tuple[str, str], list[ObjectId]] = names_of(live)
    found: set[ObjectId] = set()
    for touch in touched(migration.sql).of("creates"):
        name = touch.key.name.split("(", 1)[0] if touch.key.space == "function" else touch.key.name
        for id in by_key.get((touch.key.space, name), ()):
            what, _, inner = touch.key.part.partition(" ")
            if not what:
                found.add(id)
            elif (child := ObjectId(what, id.schema, id.name, inner)) in live.objects:
                found.add(child)
    return found


def names_of(live: Snapshot) -> dict[tuple[str, str], list[ObjectId]]:
    """The objects by the names that scripts call them: (space, name), schema public left out."""
    spaces: Mapping[str, str] = {
        **dict.fromkeys((*RELATIONS, "index"), "relation"),
        **dict.fromkeys(("enum", "composite", "range", "domain", "base_type"), "type"),
        **dict.fromkeys(("function", "procedure", "aggregate"), "function"),
        "schema": "schema",
        "statistics": "statistics",
    }
    found: dict[tuple[str, str], list[ObjectId]] = {}
    for obj in live:
        space = spaces.get(obj.id.kind)
        if space is None:
            continue
        name = obj.id.name.split("(", 1)[0] if space == "function" else obj.id.name
        shown = name if obj.id.schema in ("", "public") else f"{obj.id.schema}.{name}"
        found.setdefault((space, shown), []).append(obj.id)
    return found
