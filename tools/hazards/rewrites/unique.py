"""UNIQUE and PRIMARY KEY from an index that was built while everybody worked."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, rewriter
from ..rewriting.steps import name_of, not_null, unique_index


@rewriter(
    rules=("adding-unique", "adding-primary-key", "adding-primary-key-on-nullable"),
    actions=("AddConstraint",),
    form="`CREATE UNIQUE INDEX CONCURRENTLY`, then `ADD CONSTRAINT ... USING INDEX`; columns of a primary key become NOT "
    "NULL first, in steps of their own",
)
def rewrite(place: Place) -> list[Part] | None:
    assert place.action is not None
    constraint = place.action.constraint
    if constraint is None or constraint.kind not in ("unique", "primary key"):
        return None
    key = constraint.kind == "primary key"
    parts: list[Part] = []
    columns = constraint.columns
    if constraint.index and key:
        columns = _of_index(place, constraint.index)
    if key:
        for column in columns:
            if not place.step.table.column(column).not_null and not place.column(column).properties.get("not_null"):
                parts += not_null(place, column)
    last = max((p.phase for p in parts), default=0)
    if constraint.index:
        if not parts:
            return None
        return [*parts, Part(place.only([place.action.node]), phase=last + 1, step="finish")]
    name = name_of(place, constraint)
    kind = "PRIMARY KEY" if key else "UNIQUE"
    return [*parts, *unique_index(place, constraint.node, name, kind, finish=max(2, last + 1))]


def _of_index(place: Place, name: str) -> tuple[str, ...]:
    known = place.step.catalog.indexes.get(name)
    if known is None or not all(known.columns):
        raise NoForm(f"the columns of index {name} are not known")
    return known.columns
