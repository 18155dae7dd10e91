"""A table without a primary key."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..shapes import actions_of, relation_key
from ..step import Step
from ..words import shown


@rule(
    id="require-primary-key",
    title="Table without a primary key",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt",),
    why="Without a primary key rows may repeat, logical replication cannot carry UPDATE and DELETE, and backfills have nothing to go by.",
    fix="A primary key.",
    bad="CREATE TABLE orders (note text);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    source="Manual, section 5.5.4 Primary Keys; 31.1.1 Replica Identity.",
)
def check(step: Step) -> Iterator[Hit]:
    form = step.form
    if form.temporary or form.parent or step.node.inh_relations or step.node.HasField("of_typename"):
        return
    if any(e.WhichOneof("node") == "table_like_clause" for e in step.node.table_elts):
        return
    if any(c.kind == "primary key" for c in form.constraints) or not form.columns:
        return
    altered = (a.node for a in step.after if a.node_name == "alter_table_stmt")
    actions = (a for node in altered if relation_key(node.relation) == form.name for a in actions_of(node))
    if any(a.constraint is not None and a.constraint.kind == "primary key" for a in actions):
        return
    yield Hit(
        f"{shown(form.name)} has no primary key. Rows may repeat, and logical replication cannot carry its UPDATEs and DELETEs.",
        "Add one, for example id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY.",
        form.name,
    )
