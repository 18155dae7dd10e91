"""A new enum value committed before it is used."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import Part, Room, rewriter


@rewriter(
    rules=("using-new-enum-value",),
    form="the statement that uses the value in a transaction after the one that adds it",
)
def rewrite(place: Place) -> list[Part]:
    return [Part(place.step.text, Room.OWN, 1, "use")]
