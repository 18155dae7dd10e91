"""DROP VIEW or DROP MATERIALIZED VIEW."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ...sql.reads import relation
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="dropping-view",
    title="View dropped",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("drop_stmt",),
    effect=Effect.RUNS,
    why="Programs and reports that read the view fail from then on; the rights granted on it are lost with it.",
    fix="Drop it in a later release than the last reader. To change it, use CREATE OR REPLACE VIEW, or drop and create it "
    "in one transaction.",
    setup="CREATE VIEW ones AS SELECT 1 AS one;",
    bad="DROP VIEW ones;",
    good="CREATE OR REPLACE VIEW ones AS SELECT 1 AS one;",
    unfixed="Its readers must change first.",
    source="Manual, DROP VIEW; CREATE VIEW.",
)
def check(step: Step) -> Iterator[Hit]:
    word = object_word(step.node, "remove_type")
    if word not in ("VIEW", "MATERIALIZED VIEW"):
        return
    made_again = {
        key(relation(a.node.view if a.node_name == "view_stmt" else a.node.into.rel))
        for a in step.after
        if a.node_name in ("view_stmt", "create_table_as_stmt")
    }
    for target in step.node.objects:
        name = key(object_name(target))
        if step.catalog.is_new(name) or (name in made_again and step.in_transaction):
            continue
        yield Hit(
            f"DROP {word} removes {shown(name)} and the rights granted on it. Whoever reads it fails from then on.",
            "Drop it in a later release than its last reader; to change it, drop and create it in one transaction.",
            name,
        )
