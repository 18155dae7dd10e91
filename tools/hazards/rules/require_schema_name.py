"""A name without its schema."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="require-schema-name",
    title="Name that depends on search_path",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt", "drop_stmt", "index_stmt", "view_stmt"),
    enabled=False,
    why="Which object is meant depends on the search_path of the session that runs the migration.",
    fix="schema.name.",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY);",
    good="CREATE TABLE public.orders (id bigint PRIMARY KEY);",
    source="Manual, section 5.10.3 The Schema Search Path.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "drop_stmt":
        if object_word(step.node, "remove_type") in ("TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "TYPE"):
            bare = [n for o in step.node.objects if "." not in (n := object_name(o))]
        else:
            bare = []
    else:
        target = step.node.view if step.node_name == "view_stmt" else step.node.relation
        bare = [str(target.relname)] if not target.schemaname and target.relpersistence != "t" else []
    for name in bare:
        yield Hit(
            f"{shown(name)} is named without its schema. Which one is meant depends on the search_path of the session.",
            f"Write public.{shown(name)}, or the schema that is meant.",
            objects=(name,),
        )
