"""A table without a comment."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="require-comment",
    title="Table without a comment",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt",),
    enabled=False,
    why="What a table is for is known to whoever makes it; a comment keeps it where every tool shows it.",
    fix="COMMENT ON TABLE name IS '...';",
    bad="CREATE TABLE orders (id bigint PRIMARY KEY);",
    good="CREATE TABLE orders (id bigint PRIMARY KEY);\nCOMMENT ON TABLE orders IS 'What customers have bought.';",
    source="Manual, COMMENT.",
)
def check(step: Step) -> Iterator[Hit]:
    form = step.form
    # A body is judged statement by statement: what follows in it is not known.
    if form.temporary or form.parent or step.inside or (form.if_not_exists and form.name in step.catalog.tables):
        return
    for later in step.after:
        if later.node_name != "comment_stmt" or object_word(later.node, "objtype") != "TABLE":
            continue
        if later.node.comment.strip() and key(object_name(later.node.object)) == form.name:
            return
    yield Hit(
        f"Nothing in this script says what {shown(form.name)} is for. Whoever reads the schema later has to guess.",
        f"Add COMMENT ON TABLE {shown(form.name)} IS '...';",
        form.name,
    )
