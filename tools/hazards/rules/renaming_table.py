"""A table or view renamed, or moved into another schema, while programs use its name."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import shown

RELATIONS = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE")


@rule(
    id="renaming-table",
    title="Table renamed while programs use it",
    severity=Severity.ERROR,
    category=Category.COMPATIBILITY,
    on=("rename_stmt", "alter_object_schema_stmt"),
    effect=Effect.RUNS,
    why="Programs that run during the deployment know one of the two names only, and fail with the other.",
    fix="Rename it and make a view with the old name in the same transaction; drop the view in a later release.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="ALTER TABLE orders RENAME TO purchases;",
    good="BEGIN;\nALTER TABLE orders RENAME TO purchases;\nCREATE VIEW orders AS SELECT * FROM purchases;\nCOMMIT;",
    unfixed="Under either name alone some program fails: keep a view of the old name until the programs have changed; "
    "that is another schema than the one asked for.",
    source="Manual, ALTER TABLE, RENAME, SET SCHEMA; CREATE VIEW, Updatable Views.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    renames = step.node_name == "rename_stmt"
    word = object_word(node, "rename_type" if renames else "object_type")
    if word not in RELATIONS or not node.HasField("relation") or not step.old:
        return
    if any(a.node_name == "view_stmt" and relation_key(a.node.view) == step.relation for a in step.after):
        return
    bare = step.relation.rpartition(".")[2]
    fresh = str(node.newname) if renames else f"{node.newschema}.{bare}"
    what = f"Renaming {shown(step.relation)} to" if renames else f"Moving {shown(step.relation)} to"
    yield Hit(
        f"{what} {shown(fresh)} takes effect for everybody at once. Programs that still use the old name fail until all"
        " are replaced, and new ones fail before it.",
        f"In the same transaction add: CREATE VIEW {shown(step.relation)} AS SELECT * FROM {shown(fresh)}; and drop it in"
        " a later release.",
        step.relation,
        lock="ACCESS EXCLUSIVE",
    )
