"""Row level security switched on without a policy."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Effect, Hit, rule
from ..shapes import relation_key
from ..step import Step
from ..words import alter, shown


@rule(
    id="enabling-row-security",
    title="Row security on, and no policy lets anybody in",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=("alter_table_stmt",),
    acts=("EnableRowSecurity",),
    effect=Effect.RUNS,
    why="With row security on and no policy, everybody but the owner sees no row and can write none; nothing fails to say "
    "so.",
    fix="Create the policies in the same transaction, before ENABLE ROW LEVEL SECURITY.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, owner name);",
    bad="ALTER TABLE orders ENABLE ROW LEVEL SECURITY;",
    good="BEGIN;\nCREATE POLICY own ON orders USING (owner = current_user);\n"
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;\nCOMMIT;",
    unfixed="Which rows who may see is not in the file: write the policies first, in the same transaction.",
    source="Manual, section 5.9 Row Security Policies.",
)
def check(step: Step) -> Iterator[Hit]:
    if not step.old or step.table.policies:
        return
    for _ in step.acts("EnableRowSecurity"):
        if any(a.node_name == "create_policy_stmt" and relation_key(a.node.table) == step.relation for a in step.after):
            return
        yield Hit(
            f"ENABLE ROW LEVEL SECURITY on {shown(step.relation)} without a policy hides all its rows. Everybody but the"
            " owner reads nothing and writes nothing from then on.",
            f"Create the policies first, in the same transaction as {alter(step.relation, 'ENABLE ROW LEVEL SECURITY')}",
            step.relation,
            lock="ACCESS EXCLUSIVE",
        )
