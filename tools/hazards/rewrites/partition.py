"""A new partition made beside a DEFAULT partition whose rows are known not to belong there."""

from __future__ import annotations

from ..rewriting.bounds import condition, default_of, known
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, rewriter


@rewriter(
    rules=("adding-partition-beside-default",),
    on=("create_stmt",),
    form="a `CHECK` on the DEFAULT partition that excludes the new bounds, `NOT VALID`, `VALIDATE`, then `CREATE TABLE ... "
    "PARTITION OF`, `DROP CONSTRAINT`",
)
def rewrite(place: Place) -> list[Part]:
    parent = place.node.inh_relations[0].range_var
    table = place.find(parent.schemaname, parent.relname)
    default = default_of(place, table)
    if default is None:
        raise NoForm("the DEFAULT partition is not in the schema that the file finds")
    first, gone = known(place, default, f"NOT ({condition(table, place.node.partbound)})", "rest")
    return [*first, Part(place.step.text, phase=2, step="attach"), *gone]
