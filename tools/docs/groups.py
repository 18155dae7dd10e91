"""A big diagram cut into parts that people can read and that GitHub draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..schema.model import ObjectId
from .erd import Diagram, mermaid_of

MOST_TABLES = 30
SMALL = 5  # connected tables up to this number share a part with others
# Mermaid draws nothing beyond 50,000 characters or 500 lines between boxes (maxTextSize, maxEdges); GitHub keeps that.
MOST_CHARACTERS = 45_000
MOST_LINKS = 450


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that are drawn together, named after the one with the most links."""

    name: str
    tables: tuple[ObjectId, ...]


def groups(drawn: Diagram) -> tuple[Group, ...]:
    """The parts of a diagram; a single one when it is small.

    Tables of one schema stay together, and within it those that are linked. What is too much is cut by going along
    its links from the table with the most; a piece left over may hold tables that only others link.
    """
    ids = tuple(e.id for e in drawn.entities)
    if not ids:
        return ()
    sizes = _Sizes(drawn)
    if len(ids) <= MOST_TABLES and sizes.fit(ids):
        return (Group("all tables", ids),)
    parts: list[list[ObjectId]] = []
    for schema in dict.fromkeys(i.schema for i in ids):
        near = _neighbours(drawn, schema)
        small: list[list[ObjectId]] = []
        for component in components([i for i in ids if i.schema == schema], near):
            for piece in _cut(sizes, component, near) if len(component) > SMALL else [list(component)]:
                if len(piece) > SMALL:
                    parts.append(piece)
                elif small and len(small[-1]) + len(piece) <= MOST_TABLES and sizes.fit(small[-1] + piece):
                    small[-1] += piece
                else:
                    small.append(piece)
        parts += small
    degree: dict[ObjectId, int] = {}
    for link in drawn.links:
        for end in {link.child, link.parent}:
            degree[end] = degree.get(end, 0) + 1
    titles = {e.id: e.title for e in drawn.entities}
    found = []
    for part in parts:
        hub = max(part, key=lambda i: (degree.get(i, 0), -part.index(i)))
        part.sort()
        linked = len(components(part, _neighbours(drawn, part[0].schema))) == 1 and degree.get(hub)
        rest = f" and {len(part) - 1} more" if len(part) > 1 else ""
        found.append(Group(f"around {titles[hub]}" if linked else titles[part[0]] + rest, tuple(part)))
    return tuple(found)


class _Sizes:
    """How much each table adds to a diagram's text and links, with what it points at."""

    def __init__(self, drawn: Diagram) -> None:
        empty = len(mermaid_of(Diagram((), ())))
        heads = {e.id: len(e.key) + len(e.title) + 16 for e in drawn.entities}
        self.characters = {e.id: len(mermaid_of(Diagram((e,), ()))) - empty for e in drawn.entities}
        self.links = dict.fromkeys(heads, 0)
        for link in drawn.links:
            self.links[link.child] += 1
            self.characters[link.child] += 2 * (heads[link.parent] + heads[link.child]) + 60

    def fit(self, tables: Iterable[ObjectId]) -> bool:
        """Whether Mermaid draws these tables as one diagram; rather too strict than too lax."""
        chosen = list(tables)
        links = sum(self.links[i] for i in chosen)
        return links <= MOST_LINKS and sum(self.characters[i] for i in chosen) <= MOST_CHARACTERS


def components(ids: list[ObjectId], near: dict[ObjectId, list[ObjectId]]) -> list[list[ObjectId]]:
    """Tables that links hold together, in the order given; within one, in the order in which links reach them."""
    left = dict.fromkeys(ids)
    found = []
    while left:
        start = next(iter(left))
        found.append(_reached(start, left, near, len(left)))
        for member in found[-1]:
            del left[member]
    return found


def _neighbours(drawn: Diagram, schema: str) -> dict[ObjectId, list[ObjectId]]:
    near: dict[ObjectId, dict[ObjectId, None]] = {}
    for link in drawn.links:
        if link.child != link.parent and link.child.schema == link.parent.schema == schema:
            near.setdefault(link.child, {})[link.parent] = None
            near.setdefault(link.parent, {})[link.child] = None
    return {k: list(v) for k, v in near.items()}


def _cut(sizes: _Sizes, tables: list[ObjectId], near: dict[ObjectId, list[ObjectId]]) -> list[list[ObjectId]]:
    """The tables in pieces that fit, each grown from the table with the most links that is left."""
    left = dict.fromkeys(tables)
    pieces = []
    while left:
        start = max(left, key=lambda i: (sum(n in left for n in near.get(i, ())), i in near))
        piece = _reached(start, left, near, MOST_TABLES)
        while len(piece) > 1 and not sizes.fit(piece):
            piece = piece[: (len(piece) + 1) // 2]
        pieces.append(piece)
        for member in piece:
            del left[member]
    return pieces


def _reached(
    start: ObjectId, left: dict[ObjectId, None], near: dict[ObjectId, list[ObjectId]], most: int
) -> list[ObjectId]:
    """The first tables that links reach from a start, breadth first."""
    reached = {start: None}
    queue = [start]
    for member in queue:
        for other in near.get(member, ()):
            if other in left and other not in reached and len(reached) < most:
                reached[other] = None
                queue.append(other)
    return list(reached)
