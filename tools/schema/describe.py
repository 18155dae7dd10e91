"""A list of changes as the few lines that a person wants to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .diff import Change

_HOLDERS = frozenset({"table", "foreign_table", "view", "materialized_view", "domain"})
_PLURALS = {"index": "indexes", "policy": "policies"}
_WHOLE = ("added", "dropped")


def describe(changes: Sequence[Change]) -> list[str]:
    """One line a change, in order of table; what comes or goes with a whole table is counted in the table's line,
    and the index of a key goes without saying."""
    whole = {(c.kind, c.id.schema, c.id.name) for c in changes if c.kind in _WHOLE and c.id.kind in _HOLDERS}
    keys = {(c.kind, c.id[1:]) for c in changes if c.id.kind == "constraint"}
    inside: dict[tuple[str, str, str], Counter[str]] = {place: Counter() for place in whole}
    kept: list[Change] = []
    for change in changes:
        if change.id.kind == "index" and (change.kind, change.id[1:]) in keys and _is_of_key(change):
            continue
        holder = (change.kind, *_holder(change))
        if holder in inside:
            inside[holder][change.id.kind] += 1
        else:
            kept.append(change)
    lines = []
    for change in sorted(kept, key=_place):
        counted = inside.get((change.kind, change.id.schema, change.id.name)) if change.id.kind in _HOLDERS else None
        lines.append(change.line + (f", with {_counted(counted)}" if counted else ""))
    return lines


def _holder(change: Change) -> tuple[str, str]:
    """Schema and name of the table that the object hangs on, or whose column owns it; empty when there is none."""
    id = change.id
    if id.parent:
        return id.schema, id.parent
    item = change.after or change.before
    owner = item.properties.get("owned_by") if item is not None else None
    return (owner[0], owner[1]) if owner else ("", "")


def _is_of_key(change: Change) -> bool:
    item = change.after or change.before
    return item is not None and item.properties.get("constraint") == change.id.name


def _place(change: Change) -> tuple[str, ...]:
    id = change.id
    return (id.schema, id.parent or id.name, "1" if id.parent else "0", id.kind, id.name)


def _counted(inside: Counter[str]) -> str:
    said = []
    for kind, number in sorted(inside.items()):
        word = kind.replace("_", " ")
        said.append(f"{number} {word if number == 1 else _PLURALS.get(kind, word + 's')}")
    return ", ".join(said)
