"""ATTACH PARTITION of a table whose rows were read before."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident, qualified
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import VALIDATE


@rewriter(
    rules=("attaching-partition",),
    actions=("AttachPartition",),
    form="a `CHECK` with the bounds `NOT VALID` on the table to attach, `VALIDATE`, `ATTACH PARTITION`, `DROP CONSTRAINT`",
)
def rewrite(place: Place) -> list[Part]:
    assert place.action is not None
    command = getattr(place.action.node, "def").partition_cmd
    if place.step.table.default_partition:
        raise NoForm("the DEFAULT partition would be read as well; add a CHECK that excludes the bounds to it by hand")
    child = qualified(command.name.schemaname, command.name.relname)
    found = place.find(command.name.schemaname, command.name.relname)
    if found.properties.get("partition_key"):
        raise NoForm(f"{child} is partitioned itself")
    helper = ident(place.name(str(command.name.relname), "fits"))
    fits = _bounds(place, command.bound)
    return [
        Part(f"ALTER TABLE {child} ADD CONSTRAINT {helper} CHECK ({fits}) NOT VALID"),
        Part(f"ALTER TABLE {child} VALIDATE CONSTRAINT {helper}", Room.OWN, 1, VALIDATE),
        Part(place.only([place.action.node]), phase=2, step="attach"),
        Part(f"ALTER TABLE {child} DROP CONSTRAINT {helper}", phase=2, step="attach"),
    ]


def _bounds(place: Place, bound: Any) -> str:
    """The bounds as a condition. Source: manual, CREATE TABLE, FOR VALUES; partbounds.c, get_qual_for_range."""
    key = str(place.table.properties.get("partition_key", ""))
    column = key[key.find("(") + 1 : key.rfind(")")]
    if bound.is_default:
        raise NoForm("a DEFAULT partition has no bounds of its own")
    if bound.strategy == "h":
        raise NoForm("the bounds of a hash partition cannot be written as a CHECK")
    if "," in column or "(" in column:
        raise NoForm("the partition key has several columns or an expression")
    if bound.strategy == "l":
        values = [grammar.printed(v) for v in bound.listdatums]
        some = [v for v in values if v.upper() != "NULL"]
        inside = f"{column} IN ({', '.join(some)})" if some else ""
        if len(some) == len(values):
            return f"{column} IS NOT NULL AND {inside}"
        return f"{column} IS NULL OR {inside}" if inside else f"{column} IS NULL"
    made = [f"{column} IS NOT NULL"]
    for sign, datums in ((">=", bound.lowerdatums), ("<", bound.upperdatums)):
        value = grammar.printed(datums[0])
        if value.strip('"').lower() not in ("minvalue", "maxvalue"):
            made.append(f"{column} {sign} {value}")
    return " AND ".join(made)
