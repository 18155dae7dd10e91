"""CREATE EXTENSION."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="creating-extension",
    title="Extension that the target may lack",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_extension_stmt",),
    why="The extension has to be installed on the target's machine, and most need rights that a migration's role has not got.",
    fix="Install it by hand first, and keep IF NOT EXISTS.",
    bad="CREATE EXTENSION hstore;",
    good="SELECT 1;",
    source="Manual, CREATE EXTENSION.",
)
def check(step: Step) -> Iterator[Hit]:
    name = shown(str(step.node.extname))
    yield Hit(
        f"CREATE EXTENSION needs {name} on the target's machine and, for most extensions, more rights than a migration has. Where"
        " they are missing the migration stops here.",
        f"Have {name} installed before, and write IF NOT EXISTS.",
        objects=(str(step.node.extname),),
    )
