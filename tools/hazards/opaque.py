"""What a statement that nobody could read did in the sandbox: SQL put together at run time, functions without a text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..records import Finding, Proof, Severity
from .context import Context
from .registry import Hit, by_id
from .seen import StatementSeen
from .severity import severity_of
from .shapes import key, key_of_sql
from .transaction import BLOCKS_WRITES, STRENGTH
from .words import lock_on, names, waits

UNREAD = frozenset({"unchecked-dynamic-sql", "unchecked-call", "unchecked-statement"})
RELATIONS = ("table", "partitioned table", "materialized view", "foreign table")
Seen = tuple[str, list[str], str, Severity | None]  # rule, relations, what was seen, severity other than the rule's


def done_unread(
    ran: StatementSeen, mark: str, mine: Sequence[Finding], path: str, context: Context, exempt: Collection[str]
) -> Iterator[Finding]:
    """Findings for what a statement dropped, wrote and locked, when its own findings say that it could not be read.

    mine: the findings of the statement so far; what one of them names is told already. exempt: catalog keys of what the
    same change made.
    """
    if not any(f.rule in UNREAD for f in mine):
        return
    told = {key(o) for f in mine for o in f.objects} | set(exempt)
    for rule_id, relations, what, severity in _seen(ran, told):
        rule = by_id()[rule_id]
        worst = [s for r in relations if (s := severity_of(rule, Hit("", "", r, severity=severity), context))]
        if worst:
            yield Finding(
                rule.id,
                max(worst, key=lambda s: s.rank),
                rule.title,
                what,
                rule.fix,
                path=path,
                line=ran.line,
                statement=ran.index,
                objects=tuple(relations),
                evidence=(mark,) if mark else (),
                proof=Proof.CONFIRMED,
            )


def _seen(ran: StatementSeen, told: set[str]) -> Iterator[Seen]:
    dropped = [n for n in map(key_of_sql, ran.dropped) if n not in told]
    if dropped:
        told |= set(dropped)
        yield "measured-drop", dropped, f"In the sandbox this dropped {names(dropped[:5])}, with all rows.", None
    old = {key_of_sql(lock.relation) for lock in (*ran.locks, *ran.held) if lock.existed_before}
    changed = {key_of_sql(t): (up, gone) for t, _, up, gone in ran.written if up or gone}
    for name, (up, gone) in changed.items():
        if name in told or name not in old:
            continue
        told.add(name)
        did = " and ".join(
            f"{word} {n:,} row{'s' if n != 1 else ''}" for word, n in (("changed", up), ("deleted", gone)) if n
        )
        yield (
            "measured-write",
            [name],
            f"In the sandbox this {did} of {names([name])}, of few that are there. On the target it may be many.",
            None if gone else Severity.INFO,
        )
    for lock in sorted(ran.locks, key=lambda lock: -STRENGTH.get(lock.mode, 0)):
        name = key_of_sql(lock.relation)
        if name in told or not lock.existed_before or lock.kind not in RELATIONS:
            continue
        if STRENGTH.get(lock.mode, 0) >= BLOCKS_WRITES:
            told.add(name)
            yield (
                "measured-lock",
                [name],
                f"In the sandbox this took {lock_on(lock.mode, name)}. {waits(lock.mode, name, 'the transaction ends')}",
                None,
            )
