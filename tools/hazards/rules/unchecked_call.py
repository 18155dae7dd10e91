"""A call at the top of a migration to a function whose text is not known."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import dotted
from ..registry import Category, Hit, rule
from ..shapes import key
from ..step import Step
from ..volatility import CALM, VOLATILE
from ..words import shown

AGGREGATES = {"count", "sum", "min", "max", "avg", "array_agg", "string_agg", "bool_and", "bool_or", "every"}


@rule(
    id="unchecked-call",
    title="Function called whose text is not known",
    severity=Severity.INFO,
    category=Category.UNKNOWN,
    on=("select_stmt", "call_stmt"),
    why="A function may run any statement: create, drop, delete. Its text was not seen, so nothing is known of what the call "
    "does.",
    fix="Let agentdb read the schema (a target or --schema-dir), or look at what the sandbox saw it do.",
    bad="SELECT clean_up_orders();",
    good="SELECT now();",
    source="Manual, SELECT; CALL.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.inside or (step.node_name == "select_stmt" and step.node.from_clause):
        return
    for message in step.messages("FuncCall"):
        name = key(dotted(message.funcname))
        bare = name.removeprefix("pg_catalog.")
        known = step.catalog.functions.get(name)
        if bare in CALM or bare in VOLATILE or bare in AGGREGATES or bare.startswith("pg_"):
            continue
        if known is not None and known.language in ("sql", "plpgsql"):
            continue
        yield Hit(
            f"This calls {shown(name)}, whose text is not known here. It may lock, change or delete anything.",
            "Let agentdb read the schema (--target or --schema-dir), or look at what the sandbox saw it do.",
            objects=(name,),
        )
        return
