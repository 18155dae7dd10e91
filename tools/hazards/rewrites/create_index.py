"""CREATE INDEX while writes go on."""

from __future__ import annotations

import re
from typing import Any

from ...sql import grammar
from ...sql.quote import ident, qualified
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import copy_of, title

HEAD = re.compile(r"(CREATE\s+(?:UNIQUE\s+)?INDEX)\b", re.IGNORECASE)


@rewriter(
    rules=("require-concurrent-index",),
    on=("index_stmt",),
    form="`CREATE INDEX CONCURRENTLY`, outside of a transaction; on a partitioned table an index of the parent alone, one "
    "of each partition `CONCURRENTLY`, then `ATTACH PARTITION`",
)
def rewrite(place: Place) -> list[Part]:
    node = copy_of(place.node)
    named = bool(node.idxname)
    if not node.idxname:
        node.idxname = _name(place, place.short, node)
    if place.partitioned:
        return _by_partition(place, node)
    words = r"\1 CONCURRENTLY" + ("" if named else f" {ident(node.idxname)}")
    return [Part(HEAD.sub(words, place.step.text, count=1), Room.OUTSIDE, 1, "index")]


def _name(place: Place, table: str, node: Any) -> str:
    """The name that the server gives: the one index that the table has afterwards and had not before, else what the
    columns make. Source: indexcmds.c, ChooseIndexName and ChooseIndexNameAddition."""
    owner = place.table.id._replace(name=table)
    if place.after is not None:
        there = {i.id for i in place.before.children(owner, "index")}
        gained = [i.id.name for i in place.after.children(owner, "index") if i.id not in there]
        if len(gained) == 1:
            return gained[0]
    words = [str(p.index_elem.name) or "expr" for p in (*node.index_params, *node.index_including_params)]
    return place.name(table, "_".join(words), "idx")


def _by_partition(place: Place, node: Any) -> list[Part]:
    """Source: manual, Table Partitioning, Partition Maintenance."""
    if node.if_not_exists:
        raise NoForm("IF NOT EXISTS on a partitioned table cannot be told partition by partition")
    parent = copy_of(node)
    parent.relation.inh = False
    parts = [Part(grammar.statement_text("index_stmt", parent), phase=0)]
    for partition in place.partitions():
        if partition.properties.get("partition_key"):
            raise NoForm(f"partition {title(partition)} has partitions of its own")
        own = copy_of(node)
        own.relation.schemaname, own.relation.relname = partition.id.schema, partition.id.name
        own.idxname, own.concurrent = _name(place, partition.id.name, node), True
        parts.append(Part(grammar.statement_text("index_stmt", own), Room.OUTSIDE, 1, "index"))
        whole = qualified(place.table.id.schema, str(node.idxname))
        child = qualified(partition.id.schema, str(own.idxname))
        parts.append(Part(f"ALTER INDEX {whole} ATTACH PARTITION {child}", phase=2, step="attach"))
    return parts
