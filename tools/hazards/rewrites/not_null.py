"""NOT NULL whose rows are read while everybody works."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import Part, rewriter
from ..rewriting.steps import not_null


@rewriter(
    rules=("setting-not-null",),
    actions=("SetNotNull", "AddConstraint"),
    form="from 18 on `ADD CONSTRAINT ... NOT NULL ... NOT VALID`, then `VALIDATE CONSTRAINT`; before, `CHECK (... IS NOT "
    "NULL) NOT VALID`, `VALIDATE`, `SET NOT NULL`, `DROP CONSTRAINT`",
)
def rewrite(place: Place) -> list[Part] | None:
    action = place.action
    assert action is not None
    if action.kind == "SetNotNull":
        return None if _has(place, action.name) else not_null(place, action.name)
    constraint = action.constraint
    if constraint is None or constraint.kind != "not null" or not constraint.validated or len(constraint.columns) != 1:
        return None
    return not_null(place, constraint.columns[0], constraint.name)


def _has(place: Place, column: str) -> bool:
    """Whether the column is NOT NULL already, so that there is nothing to do."""
    return bool(place.step.table.column(column).not_null)
