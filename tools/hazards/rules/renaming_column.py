"""A column renamed while programs use its name."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import actions_of, relation_key
from ..step import Step
from ..words import alter, shown


@rule(
    id="renaming-column",
    title="Column renamed while programs use it",
    severity=Severity.ERROR,
    category=Category.COMPATIBILITY,
    on=("rename_stmt",),
    effect=Effect.RUNS,
    why="Programs that run during the deployment know one of the two names only, and fail with the other. There is no "
    "moment at which both work.",
    fix="Add a column with the new name, keep both filled by a trigger, move readers and writers, drop the old one in a "
    "later release.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="ALTER TABLE orders RENAME COLUMN note TO remark;",
    good="ALTER TABLE orders ADD COLUMN remark text;",
    unfixed="Under either name alone some program fails, and with both the schema is another one: add the new column, "
    "fill it, switch the programs, drop the old one in a later release.",
    source="Manual, ALTER TABLE, RENAME COLUMN.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if object_word(node, "rename_type") != "COLUMN" or not node.HasField("relation") or not step.old:
        return
    old, fresh = str(node.subname), str(node.newname)
    known = step.table.columns.get(old)
    if (known is not None and known.new) or _comes_back(step, old):
        return
    kind = f" {step.table.columns[old].type}" if known is not None and known.type is not None else " ..."
    yield Hit(
        f"Renaming {shown(old)} to {shown(fresh)} in {shown(step.relation)} takes effect for everybody at once. Programs"
        f" that still say {shown(old)} fail until all are replaced, and new ones fail before it.",
        f"Use {alter(step.relation, f'ADD COLUMN {shown(fresh)}{kind}')} keep both filled with a trigger, and drop"
        f" {shown(old)} in a later release.",
        step.relation,
        objects=(step.relation, old),
        lock="ACCESS EXCLUSIVE",
    )


def _comes_back(step: Step, old: str) -> bool:
    """Whether the old name is given to a column again right after."""
    altered = (a.node for a in step.after if a.node_name == "alter_table_stmt")
    mine = (node for node in altered if relation_key(node.relation) == step.relation)
    return any(a.kind == "AddColumn" and a.name == old for node in mine for a in actions_of(node))
