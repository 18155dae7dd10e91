"""A statement in a transaction of its own, so that it does not work under locks that others took."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import Part, Room, rewriter


@rewriter(
    rules=("validating-in-same-transaction",),
    actions=("ValidateConstraint",),
    form="`VALIDATE CONSTRAINT` in a transaction of its own, after the one that added the constraint",
)
def rewrite(place: Place) -> list[Part]:
    assert place.action is not None
    return [Part(place.only([place.action.node]), Room.OWN, 1, "validate")]
