"""DROP DATABASE."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="ban-drop-database",
    title="Database dropped",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("dropdb_stmt",),
    effect=Effect.NONE,
    why="DROP DATABASE deletes everything in it, and no rollback brings it back.",
    fix="Do it by hand, with a backup that was restored once, never in a migration.",
    bad="DROP DATABASE shop;",
    good="CREATE TEMPORARY TABLE scratch (id bigint);\nDROP TABLE scratch;",
    unfixed="It is about the server, not about this database: run it by hand, outside of migrations.",
    source="Manual, DROP DATABASE.",
)
def check(step: Step) -> Iterator[Hit]:
    name = str(step.node.dbname)
    yield Hit(
        f"DROP DATABASE {shown(name)} deletes everything in it. Nothing but a backup brings it back.",
        "Take it out of the migration; drop databases by hand, after a backup was restored on trial.",
        objects=(name,),
    )
