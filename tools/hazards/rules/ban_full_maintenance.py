"""VACUUM FULL and CLUSTER."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..locks import is_full_vacuum
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import lock_on, shown, waits


@rule(
    id="ban-full-maintenance",
    title="Whole table rewritten by VACUUM FULL or CLUSTER",
    severity=Severity.ERROR,
    category=Category.LOCKS,
    on=("vacuum_stmt", "cluster_stmt"),
    effect=Effect.REWRITE,
    scales=True,
    why="VACUUM FULL and CLUSTER copy the table and all its indexes under an ACCESS EXCLUSIVE lock.",
    fix="Plain VACUUM for space that can be used again; pg_repack or pg_squeeze where the file has to shrink.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="VACUUM FULL orders;",
    good="VACUUM orders;",
    unfixed="VACUUM FULL and CLUSTER have no online form in PostgreSQL 18: plain VACUUM gives space back for reuse, "
    "pg_repack rewrites a table while it is used.",
    source="Manual, VACUUM, FULL; CLUSTER.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "cluster_stmt":
        word = "CLUSTER"
        relations = [relation_key(step.node.relation)] if step.node.HasField("relation") else [""]
    elif is_full_vacuum(step.node):
        word = "VACUUM FULL"
        relations = [relation_key(r.vacuum_relation.relation) for r in step.node.rels] or [""]
    else:
        return
    for relation in relations:
        if relation and step.catalog.is_new(relation):
            continue
        whom = (
            lock_on("ACCESS EXCLUSIVE", relation) if relation else "an ACCESS EXCLUSIVE lock on one table after another"
        )
        yield Hit(
            f"{word} takes {whom} and copies all its rows. {waits('ACCESS EXCLUSIVE', relation, 'the copy is made')}",
            f"Use VACUUM (ANALYZE) {shown(relation)};".replace(" ;", ";") + " or pg_repack to give space back.",
            relation,
            lock="ACCESS EXCLUSIVE",
        )
