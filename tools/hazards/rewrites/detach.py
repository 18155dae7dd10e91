"""DETACH PARTITION while everybody works."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter

OLDEST = 14


@rewriter(
    rules=("require-concurrent-detach",),
    actions=("DetachPartition",),
    form="`DETACH PARTITION ... CONCURRENTLY`, outside of a transaction (14 and newer), and the CHECK dropped that it "
    "leaves behind",
)
def rewrite(place: Place) -> list[Part]:
    assert place.action is not None
    if place.version < OLDEST:
        raise NoForm(f"before PostgreSQL {OLDEST} there is no DETACH PARTITION CONCURRENTLY")
    if place.moving:
        raise NoForm("DETACH PARTITION stands in one ALTER TABLE with other actions")
    partition = getattr(place.action.node, "def").partition_cmd.name
    name = qualified(partition.schemaname, partition.relname)
    found = place.find(partition.schemaname, partition.relname)
    siblings = place.partitions()
    if any("DEFAULT" in str(s.properties.get("partition_bound", "")).upper()[:8] for s in siblings):
        raise NoForm(f"{place.sql} has a DEFAULT partition, and CONCURRENTLY is not possible beside one")
    # The server leaves the partition's bound behind as a CHECK without a name of its own.
    # Source: tablecmds.c, DetachAddConstraintIfNeeded; ChooseConstraintName.
    key = str(place.table.properties.get("partition_key", ""))
    inside = key[key.find("(") + 1 : key.rfind(")")]
    columns = {c.id.name for c in place.before.children(found.id, "column")}
    one = inside.strip('"')
    left = place.name(found.id.name, one, "check") if one in columns else place.name(found.id.name, "check")
    return [
        Part(f"{place.alter(f'DETACH PARTITION {name} CONCURRENTLY')}", Room.OUTSIDE, 1, "detach"),
        Part(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {ident(left)}", phase=2, step="finish"),
    ]
