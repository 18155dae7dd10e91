"""REFRESH MATERIALIZED VIEW while readers read."""

from __future__ import annotations

from ...sql import grammar
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import copy_of


@rewriter(
    rules=("require-concurrent-refresh",),
    on=("refresh_mat_view_stmt",),
    form="`REFRESH MATERIALIZED VIEW CONCURRENTLY`, where the view has a unique index over plain columns",
)
def rewrite(place: Place) -> list[Part]:
    if place.node.skip_data:
        raise NoForm("WITH NO DATA empties the view, which cannot be done CONCURRENTLY")
    indexes = place.before.children(place.table.id, "index")
    columns = {c.id.name for c in place.columns()}
    if not any(
        i.properties.get("unique") and not i.properties.get("predicate") and columns.issuperset(i.properties["columns"])
        for i in indexes
    ):
        raise NoForm(f"{place.sql} has no unique index over plain columns, which CONCURRENTLY needs; create one first")
    node = copy_of(place.node)
    node.concurrent = True
    return [Part(grammar.statement_text("refresh_mat_view_stmt", node), Room.OWN, 1, "refresh")]
