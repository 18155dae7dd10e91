"""Long work moved out of the transaction that holds a strong lock."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter


@rewriter(
    rules=("holding-lock-during-work",),
    last=True,
    form="the long statement in a transaction of its own, after the one that takes the lock",
)
def rewrite(place: Place) -> list[Part]:
    if not place.step.in_transaction:
        raise NoForm("it is in no transaction with others")
    return [Part(place.step.text, Room.OWN, 1, "work")]
