"""A foreign key that deletes rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown


@rule(
    id="cascading-delete",
    title="Foreign key that deletes rows",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt", "alter_table_stmt"),
    acts=("AddConstraint", "AddColumn"),
    enabled=False,
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    why="With ON DELETE CASCADE one DELETE takes rows of other tables with it that nobody named, however many they are, and "
    "holds their row locks until it is committed.",
    fix="ON DELETE RESTRICT or NO ACTION, and delete the rows that refer to it by name.",
    bad="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders ON DELETE CASCADE);\n"
    "CREATE INDEX items_order_idx ON items (order_id);",
    good="CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders ON DELETE RESTRICT);\n"
    "CREATE INDEX items_order_idx ON items (order_id);",
    source="Manual, section 5.5.5 Foreign Keys; ri_triggers.c, RI_FKey_cascade_del.",
)
def check(step: Step) -> Iterator[Hit]:
    relation = step.form.name if step.node_name == "create_stmt" else step.relation
    for constraint in step.foreign_keys():
        if constraint.node.fk_del_action != "c":
            continue
        columns = ", ".join(shown(c) for c in constraint.columns)
        child, parent = shown(relation), shown(constraint.references)
        yield Hit(
            f"A DELETE in {parent} deletes every row of {child} that refers to it by ({columns}), unnamed and uncounted."
            f" It waits for whoever holds those rows, and keeps all of them locked until it is committed.",
            f"Write ON DELETE RESTRICT, and delete those rows first: DELETE FROM {child} WHERE ({columns}) IN (...);",
            relation,
            objects=(relation, constraint.references),
        )
