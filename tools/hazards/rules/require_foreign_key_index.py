"""A foreign key without an index on its columns."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..shapes import actions_of, relation_key
from ..step import Step
from ..words import shown


@rule(
    id="require-foreign-key-index",
    title="Foreign key without an index",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddConstraint", "AddColumn"),
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    why="Every DELETE of a referenced row, and every UPDATE of its key, looks for the rows that point to it: without an index it reads the whole referencing table while it holds its locks.",
    fix="CREATE INDEX CONCURRENTLY on the referencing columns.",
    bad="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);",
    good="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);\nCREATE INDEX items_order_idx ON items (order_id);",
    source="Manual, section 5.5.5 Foreign Keys.",
)
def check(step: Step) -> Iterator[Hit]:
    relation = step.form.name if step.node_name == "create_stmt" else step.relation
    for constraint in step.foreign_keys():
        first = constraint.columns[0] if constraint.columns else ""
        if not first or _is_indexed(step, relation, first):
            continue
        columns = ", ".join(shown(c) for c in constraint.columns)
        yield Hit(
            f"Foreign key ({columns}) of {shown(relation)} has no index. Each DELETE in {shown(constraint.references)} reads all of"
            f" {shown(relation)} to find rows that point to it.",
            f"Add CREATE INDEX CONCURRENTLY ON {shown(relation)} ({columns});",
            relation,
            objects=(relation, constraint.references),
        )


def _is_indexed(step: Step, relation: str, first: str) -> bool:
    """Whether an index that starts with the column is known, made by this statement, or made later in the script."""
    if any(i.columns[:1] == (first,) for i in step.catalog.indexes_of(relation)):
        return True
    own = step.form.constraints if step.node_name == "create_stmt" else ()
    if any(c.kind in ("primary key", "unique") and c.columns[:1] == (first,) for c in own):
        return True
    for later in step.after:
        if (
            later.node_name == "index_stmt"
            and relation_key(later.node.relation) == relation
            and later.node.index_params[0].index_elem.name == first
        ):
            return True
        if later.node_name == "alter_table_stmt" and relation_key(later.node.relation) == relation:
            for action in actions_of(later.node):
                made = action.constraint
                if made is not None and made.kind in ("primary key", "unique") and made.columns[:1] == (first,):
                    return True
    # On a table whose indexes were not read, one may be there.
    return not (step.node_name == "create_stmt" or step.table.known or _new_column(step, first))


def _new_column(step: Step, name: str) -> bool:
    return any(a.name == name for a in step.acts("AddColumn")) or step.table.column(name).new
