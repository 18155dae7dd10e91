"""Foreign keys and CHECKs in two steps: enforced for new rows first, the old ones read later."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import Part, rewriter
from ..rewriting.steps import name_of, validated_later
from ..shapes import ConstraintForm, column_references


@rewriter(
    rules=("adding-foreign-key", "adding-check"),
    actions=("AddConstraint",),
    form="`ADD CONSTRAINT ... NOT VALID`, then `VALIDATE CONSTRAINT` in a transaction of its own",
)
def rewrite(place: Place) -> list[Part] | None:
    assert place.action is not None
    constraint = place.action.constraint
    if constraint is None or constraint.kind not in ("foreign key", "check") or not constraint.scans:
        return None
    if not place.step.old:
        return None
    guess = _name(place, constraint) if constraint.kind == "check" else ""
    return validated_later(place, place.action, name_of(place, constraint, guess))


def _name(place: Place, constraint: ConstraintForm) -> str:
    """The server's name for a CHECK without one: it has the column in it when there is only one.

    Source: heap.c, AddRelationNewConstraints.
    """
    columns = column_references(constraint.expression)
    return place.name(place.short, columns[0] if len(columns) == 1 else "", "check")
