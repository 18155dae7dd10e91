"""DROP TYPE or DROP DOMAIN."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="dropping-type",
    title="Type dropped",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("drop_stmt",),
    effect=Effect.RUNS,
    why="DROP TYPE fails while a column or function uses the type; programs that cast to it or look it up by name fail "
    "once it is gone.",
    fix="Drop it in a later release than the last code that names it.",
    setup="CREATE TYPE mood AS ENUM ('sad', 'happy');",
    bad="DROP TYPE mood;",
    good="CREATE TYPE scratch AS ENUM ('a');\nDROP TYPE scratch;",
    unfixed="Its users must change first.",
    source="Manual, DROP TYPE.",
)
def check(step: Step) -> Iterator[Hit]:
    word = object_word(step.node, "remove_type")
    if word not in ("TYPE", "DOMAIN"):
        return
    for target in step.node.objects:
        name = key(object_name(target))
        domain = step.catalog.domains.get(name)
        if name in step.catalog.new_types or (domain is not None and domain.new):
            continue
        yield Hit(
            f"DROP {word} removes {shown(name)}, and fails while a column uses it. Programs that cast to it fail from then"
            " on.",
            "Drop it in a later release than the last code that names it.",
            objects=(name,),
        )
