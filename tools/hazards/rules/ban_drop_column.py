"""DROP COLUMN of a column that was there before."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key
from ..step import Step
from ..words import shown


@rule(
    id="ban-drop-column",
    title="Column dropped with its values",
    severity=Severity.ERROR,
    category=Category.DATA,
    on=("alter_table_stmt", "drop_stmt"),
    acts=("DropColumn",),
    effect=Effect.RUNS,
    why="DROP COLUMN deletes the values for good. Programs that still name the column fail at once, and prepared SELECT * "
    "statements fail with 'cached plan must not change result type'. DROP TYPE ... CASCADE drops every column of the type.",
    fix="First ship code that does not use the column (and ignores it), then drop it in a later release, with the values "
    "kept by the rollback's capture script.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="ALTER TABLE orders DROP COLUMN note;",
    good="ALTER TABLE orders ALTER COLUMN note DROP DEFAULT;",
    unfixed="Nothing drops a column and keeps its values: stop the readers first, and keep a way back with `agentdb "
    "rollback draft`.",
    source="Manual, ALTER TABLE, DROP COLUMN; DROP TYPE, CASCADE.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "drop_stmt":
        yield from _by_type(step)
        return
    if not step.old:
        return
    for action in step.acts("DropColumn"):
        column = step.table.columns.get(action.name)
        if column is not None and (column.generated == "virtual" or column.new):
            continue
        yield _hit(step.relation, action.name, "DROP COLUMN")


def _by_type(step: Step) -> Iterator[Hit]:
    if object_word(step.node, "remove_type") not in ("TYPE", "DOMAIN"):
        return
    if grammar.enum_name(step.node, "behavior") != "DROP_CASCADE":
        return
    for target in step.node.objects:
        name = key(object_name(target))
        users = step.catalog.users_of_type(name)
        domain = step.catalog.domains.get(name)
        new = name in step.catalog.new_types or (domain is not None and domain.new)
        if not users and not new and not step.catalog.complete:
            what = f"DROP {object_word(step.node, 'remove_type')} {shown(name)} CASCADE"
            yield Hit(
                f"{what} deletes every column of that type with all its values, whichever tables have one. Programs that"
                " still read or write them fail from then on.",
                "Drop the columns by name in an earlier migration, and leave CASCADE out.",
                objects=(name,),
            )
        for table, column in users:
            if not step.catalog.is_new(table.name):
                yield _hit(table.name, column.name, f"DROP TYPE {shown(name)} CASCADE")


def _hit(relation: str, column: str, what: str) -> Hit:
    return Hit(
        f"{what} deletes {shown(relation)}.{shown(column)} with all its values. Programs that still read or write it fail"
        " from then on, prepared SELECT * statements too.",
        f"First release code that no longer uses {shown(column)}; drop it in a later migration, with the values kept by"
        " the rollback's capture script.",
        relation,
        objects=(relation, column),
        lock="ACCESS EXCLUSIVE",
    )
