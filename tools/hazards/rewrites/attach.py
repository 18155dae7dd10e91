"""A partition added to a table without reading rows under its lock: its own, and those of the DEFAULT partition."""

from __future__ import annotations

from ...sql.quote import qualified
from ..rewriting.bounds import condition, default_of, known
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, rewriter


@rewriter(
    rules=("attaching-partition",),
    actions=("AttachPartition",),
    form="a `CHECK` with the bounds `NOT VALID` on the table to attach (and one that excludes them on the DEFAULT "
    "partition), `VALIDATE`, `ATTACH PARTITION`, `DROP CONSTRAINT`",
)
def rewrite(place: Place) -> list[Part]:
    assert place.action is not None
    command = getattr(place.action.node, "def").partition_cmd
    found = place.find(command.name.schemaname, command.name.relname)
    if found.properties.get("partition_key"):
        raise NoForm(f"{qualified(command.name.schemaname, command.name.relname)} is partitioned itself")
    fits = condition(place.table, command.bound)
    parts, after = known(place, found, fits, "fits")
    if default := default_of(place, place.table):
        more, gone = known(place, default, f"NOT ({fits})", "rest")
        parts, after = [*parts, *more], [*after, *gone]
    return sorted(
        [*parts, Part(place.only([place.action.node]), phase=2, step="attach"), *after], key=lambda p: p.phase
    )
