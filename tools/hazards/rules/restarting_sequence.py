"""A sequence set back or forward by hand."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import shown


@rule(
    id="restarting-sequence",
    title="Sequence set to another number",
    severity=Severity.WARNING,
    category=Category.DATA,
    on=("alter_seq_stmt", "select_stmt", "alter_table_stmt"),
    acts=("SetIdentity",),
    effect=Effect.RUNS,
    why="A sequence that is set back gives numbers that rows have already: inserts fail with duplicate keys. The change "
    "made by setval is not undone by a rollback.",
    fix="Compute the number from the rows, in the same transaction: setval(..., (SELECT max(id) FROM t)).",
    setup="CREATE SEQUENCE orders_id_seq;",
    bad="ALTER SEQUENCE orders_id_seq RESTART WITH 1;",
    good="CREATE TABLE t (id bigint PRIMARY KEY);\nSELECT setval('orders_id_seq', (SELECT max(id) + 1 FROM t));",
    unfixed="Which numbers are taken is not in the file: compare with the largest one in use.",
    source="Manual, ALTER SEQUENCE; section 9.17 Sequence Manipulation Functions.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name == "alter_seq_stmt":
        if any(o.def_elem.defname == "restart" for o in step.node.options) and not step.catalog.is_new(
            relation_key(step.node.sequence)
        ):
            yield _hit(f"ALTER SEQUENCE {shown(relation_key(step.node.sequence))} RESTART")
    elif step.node_name == "alter_table_stmt":
        for action in step.acts("SetIdentity"):
            options = getattr(action.node, "def").list.items
            if step.old and any(o.def_elem.defname == "restart" for o in options):
                yield _hit(f"RESTART of {shown(step.relation)}.{shown(action.name)}")
    elif not step.inside:
        for message in step.messages("FuncCall"):
            called = dotted(message.funcname).endswith("setval")
            if called and len(message.args) > 1 and message.args[1].WhichOneof("node") == "a_const":
                yield _hit("setval() with a constant")


def _hit(what: str) -> Hit:
    return Hit(
        f"{what} makes the sequence go on from a fixed number. Where rows have that number already, inserts fail with"
        " duplicate keys.",
        "Compute it from the rows: SELECT setval('...', (SELECT coalesce(max(id), 0) + 1 FROM ...), false);",
    )
