"""Findings that only the sandbox makes: work that no rule foresaw, and statements that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..records import Finding, Proof
from .context import Context
from .registry import Effect, Hit, by_id
from .seen import LockSeen, StatementSeen
from .severity import severity_of
from .shapes import key, key_of_sql
from .transaction import BLOCKS_READS, BLOCKS_WRITES, STRENGTH
from .words import names as listed

HEAVY = (Effect.REWRITE, Effect.SCAN, Effect.BUILD)
# SQLSTATE classes of failures that the rows are to blame for: data exceptions and integrity violations.
DATA_CLASSES = ("22", "23")


def is_of_data(state: str) -> bool:
    """Whether an SQLSTATE blames the rows. 22023 (invalid_parameter_value) blames a word of the statement."""
    return state[:2] in DATA_CLASSES and state != "22023" and len(state) == 5 and state.isalnum()


def unforeseen(
    ran: StatementSeen,
    mark: str,
    mine: Sequence[Finding],
    path: str,
    context: Context,
    unknown: str,
    exempt: Collection[str],
) -> list[Finding]:
    """Findings for work, or a failure, of one statement that no finding of it (`mine`) speaks of."""
    if not ran.ok:
        if explained(mine):
            return []
        return [failed(f"{ran.sqlstate} {ran.message}".strip(), ran.line, ran.index, path, mark, unknown)]
    if explained(mine):
        return []  # on a table with rows it does not get as far as that
    told = {o for f in mine for o in map(key, f.objects) if by_id()[f.rule].effect in (*HEAVY, Effect.LOCK)}
    if any(lock.kind == "partitioned table" and key_of_sql(lock.relation) in told for lock in ran.locks):
        return []  # the work is that of its partitions
    made: list[Finding] = []
    for rule_id, what, relations in (
        ("measured-rewrite", "writes every row of {} anew", ran.rewrites),
        ("measured-scan", "reads every row of {}", ran.scans),
        ("measured-index-build", "builds an index on {}", [b.table for b in ran.index_builds if b.existed_before]),
    ):
        by_mode: dict[tuple[str, bool], list[str]] = {}
        for name in dict.fromkeys(map(key_of_sql, relations)):
            taken, lock = _strongest(ran.locks, name), _strongest((*ran.locks, *ran.held), name)
            own = taken is not None and _keeps_out(taken)
            if name in told or name in exempt or lock is None or not _keeps_out(lock):
                continue
            told.add(name)
            by_mode.setdefault((lock.mode, own), []).append(name)
        for (mode, own), tables in by_mode.items():
            if own:
                made += _measured(rule_id, what, mode, tables, ran, mark, path, context)
            elif STRENGTH[mode] >= BLOCKS_READS and not any(
                f.rule == "holding-lock-during-work" for f in (*mine, *made)
            ):
                made += _measured("holding-lock-during-work", what, mode, tables, ran, mark, path, context)
    return made


def _keeps_out(lock: LockSeen) -> bool:
    """Whether the lock keeps anybody waiting: writers of a table, readers of what nobody writes."""
    least = BLOCKS_READS if lock.kind == "materialized view" else BLOCKS_WRITES
    return STRENGTH.get(lock.mode, 0) >= least


def _strongest(locks: Sequence[LockSeen], name: str) -> LockSeen | None:
    mine = [lock for lock in locks if key_of_sql(lock.relation) == name and lock.existed_before]
    return max(mine, key=lambda lock: STRENGTH.get(lock.mode, 0), default=None)


def _measured(
    rule_id: str,
    what: str,
    mode: str,
    tables: list[str],
    ran: StatementSeen,
    mark: str,
    path: str,
    context: Context,
) -> list[Finding]:
    rule = by_id()[rule_id]
    found = [severity_of(rule, Hit("", "", name), context) for name in tables]
    severities = [s for s in found if s is not None]
    if not severities:
        return []
    shown = listed(tables[:5])
    article = "an" if mode[0] in "AE" else "a"
    taken = (
        f"under {article} {mode} lock"
        if rule_id.startswith("measured")
        else f"while the transaction holds {article} {mode} lock"
    )
    who = "Nobody can read or write" if mode == "ACCESS EXCLUSIVE" else "Writes wait for"
    return [
        Finding(
            rule=rule.id,
            severity=max(severities, key=lambda s: s.rank),
            title=rule.title,
            why=f"In the sandbox this {what.format(shown)} {taken}. {who} {shown} until that is done.",
            fix=rule.fix,
            path=path,
            line=ran.line,
            statement=ran.index,
            objects=tuple(tables),
            evidence=(mark,) if mark else (),
            proof=Proof.CONFIRMED,
        )
    ]


def explained(findings: Iterable[Finding]) -> bool:
    """Whether a finding says already that the statement fails."""
    return any(by_id()[f.rule].effect is Effect.FAILS for f in findings if f.rule in by_id())


def failed(text: str, line: int, index: int | None, path: str, mark: str, unknown: str) -> Finding:
    state = text[:5]
    if unknown:
        rule, proof = by_id()["untried-statement"], Proof.UNKNOWN
        why = f"This could not be tried: {unknown}. Whether it works on the target is not known."
        fix = rule.fix
    elif is_of_data(state):
        rule, proof = by_id()["failing-on-data"], Proof.UNKNOWN
        why = (
            f"On the sandbox's made-up rows this failed: {text}. Whether the target holds such rows is not known; if it"
            " does, the migration stops here."
        )
        fix = rule.fix
    else:
        rule, proof = by_id()["failing-statement"], Proof.CONFIRMED
        why = f"PostgreSQL refused this in the sandbox: {text}. The migration stops here."
        fix = "Mend what the server names; if the sandbox lacks something that the target has, give it to the sandbox."
    return Finding(
        rule.id,
        rule.severity,
        rule.title,
        why,
        fix,
        path=path,
        line=line,
        statement=index,
        evidence=(mark,) if mark else (),
        proof=proof,
    )
