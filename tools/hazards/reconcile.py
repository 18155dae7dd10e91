"""Findings against what the sandbox saw: CONFIRMED, REFUTED or UNKNOWN, and work that no rule foresaw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..records import Evidence, Finding, Proof, Severity
from .context import Context
from .registry import Effect, Hit, Rule, by_id
from .seen import LockSeen, RunSeen, StatementSeen
from .severity import severity_of
from .shapes import key, shown
from .transaction import BLOCKS_READS, BLOCKS_WRITES, STRENGTH

HEAVY = (Effect.REWRITE, Effect.SCAN, Effect.BUILD)
# Confirmed, such a finding is no longer a question and becomes one of the other rule.
PROMOTED = {"changing-column-type-unverified": "changing-column-type"}
# Whether these fail depends on the rows, and the sandbox's rows are not the target's.
BY_DATA = {"adding-required-column", "adding-unique-column-with-default"}
SKIPPED = "does not exist, skipping"


def reconcile(
    findings: Iterable[Finding],
    run: RunSeen,
    evidence: Sequence[Evidence] = (),
    *,
    context: Context = Context(),  # noqa: B008
) -> tuple[Finding, ...]:
    """The findings of one script with their proof and evidence, and measured ones that no rule foresaw.

    evidence: one record per statement of the run, as sandbox.run.evidence makes them. REFUTED findings stay in the
    list; they do not fail a check.
    """
    found = list(findings)
    path = next((f.path for f in found if f.path), "")
    ran = {s.index: (s, evidence[n].id if n < len(evidence) else "") for n, s in enumerate(run.statements)}
    made = [_judged(f, *ran[f.statement]) if f.statement in ran else f for f in found]
    for statement, mark in ran.values():
        made.extend(_unforeseen(statement, mark, made, path, context, run.unknown))
    if not run.ok and not any(not s.ok for s, _ in ran.values()) and not _explained(made, run.line):
        made.append(_failed(run.error, run.line, None, path, "", run.unknown))
    return tuple(sorted(made, key=lambda f: (f.statement if f.statement is not None else len(ran), f.line)))


def _judged(finding: Finding, ran: StatementSeen, mark: str) -> Finding:
    rule = by_id().get(finding.rule)
    if rule is None or ran.skipped:
        return finding
    proof = _proof(rule, finding, ran)
    marks = (mark,) if mark and proof is not Proof.UNKNOWN else ()
    if proof is Proof.CONFIRMED and finding.rule in PROMOTED:
        better = by_id()[PROMOTED[finding.rule]]
        finding = replace(finding, rule=better.id, title=better.title, severity=better.severity)
    return replace(finding, proof=proof, evidence=finding.evidence + marks)


def _proof(rule: Rule, finding: Finding, ran: StatementSeen) -> Proof:
    relations = {key(o) for o in finding.objects}
    if rule.effect is Effect.NONE:
        return Proof.UNKNOWN
    if rule.effect is Effect.FAILS:
        if not ran.ok:
            return Proof.CONFIRMED
        # A statement that may not stand in a transaction was run outside of one, which says nothing.
        return Proof.UNKNOWN if rule.id in BY_DATA or rule.id == "ban-in-transaction" else Proof.REFUTED
    if not ran.ok:
        return Proof.UNKNOWN
    if any(SKIPPED in notice for notice in ran.notices) and not _locked(ran.locks, relations):
        return Proof.REFUTED
    if rule.id == "holding-lock-during-work":
        held = [lock for lock in ran.held if key(lock.relation) in relations and STRENGTH[lock.mode] >= BLOCKS_READS]
        return Proof.CONFIRMED if held and _works(ran) else Proof.REFUTED
    if rule.effect in HEAVY:
        return Proof.CONFIRMED if _work_on(ran, relations) else Proof.REFUTED
    if rule.effect is Effect.LOCK and ran.in_transaction:
        return Proof.CONFIRMED if _locked((*ran.locks, *ran.held), relations) else Proof.REFUTED
    return Proof.CONFIRMED


def _locked(locks: Sequence[LockSeen], relations: set[str]) -> bool:
    """Whether a lock that stops writes was seen on one of the relations (on anything, when none is named)."""
    strong = [lock for lock in locks if lock.existed_before and STRENGTH.get(lock.mode, 0) >= BLOCKS_WRITES]
    return any(not relations or key(lock.relation) in relations for lock in strong)


def _work_on(ran: StatementSeen, relations: set[str]) -> list[str]:
    """The relations, among those named (or all), on which rows were rewritten, read, or indexed."""
    seen = [*ran.rewrites, *ran.scans, *(b.table for b in ran.index_builds if b.existed_before)]
    touched = {key(name) for name in seen}
    return sorted(touched & relations if relations & touched or relations else touched)


def _works(ran: StatementSeen) -> bool:
    return bool(ran.rewrites or ran.scans or ran.written or ran.rows or any(b.existed_before for b in ran.index_builds))


def _unforeseen(
    ran: StatementSeen, mark: str, findings: Sequence[Finding], path: str, context: Context, unknown: str
) -> list[Finding]:
    """Findings for work, or a failure, of one statement that no finding speaks of."""
    mine = [f for f in findings if f.statement == ran.index]
    if not ran.ok:
        if _explained(mine, ran.line):
            return []
        text = f"{ran.sqlstate} {ran.message}".strip()
        return [_failed(text, ran.line, ran.index, path, mark, unknown)]
    heavy = {o for f in mine for o in map(key, f.objects) if by_id()[f.rule].effect in (*HEAVY, Effect.LOCK)}
    made = []
    for rule_id, effect, names in (
        ("measured-rewrite", "writes every row of {} anew", ran.rewrites),
        ("measured-scan", "reads every row of {}", ran.scans),
        ("measured-index-build", "builds an index on {}", [b.table for b in ran.index_builds if b.existed_before]),
    ):
        for name in dict.fromkeys(map(key, names)):
            lock = _strongest(ran, name)
            if name in heavy or lock is None or STRENGTH[lock.mode] < BLOCKS_WRITES:
                continue
            heavy.add(name)
            finding = _measured(rule_id, effect.format(shown(name)), lock.mode, name, ran, mark, path, context)
            made.extend(finding)
    return made


def _strongest(ran: StatementSeen, name: str) -> LockSeen | None:
    locks = [lock for lock in (*ran.locks, *ran.held) if key(lock.relation) == name and lock.existed_before]
    return max(locks, key=lambda lock: STRENGTH.get(lock.mode, 0), default=None)


def _measured(
    rule_id: str, what: str, mode: str, name: str, ran: StatementSeen, mark: str, path: str, context: Context
) -> list[Finding]:
    rule = by_id()[rule_id]
    severity = severity_of(rule, Hit("", "", name), context)
    if severity is None:
        return []
    who = "Nobody can read or write it" if mode == "ACCESS EXCLUSIVE" else "Writes to it wait"
    return [
        Finding(
            rule=rule.id,
            severity=severity,
            title=rule.title,
            why=f"In the sandbox this {what} under {'an' if mode[0] in 'AE' else 'a'} {mode} lock. {who} until that is done.",
            fix=rule.fix,
            path=path,
            line=ran.line,
            statement=ran.index,
            objects=(name,),
            evidence=(mark,) if mark else (),
            proof=Proof.CONFIRMED,
        )
    ]


def _explained(findings: Iterable[Finding], line: int) -> bool:
    """Whether a finding says already that the statement fails."""
    return any(by_id()[f.rule].effect is Effect.FAILS for f in findings if f.rule in by_id())


def _failed(text: str, line: int, index: int | None, path: str, mark: str, unknown: str) -> Finding:
    rule = by_id()["failing-statement"]
    if unknown:
        return Finding(
            rule.id,
            Severity.WARNING,
            rule.title,
            f"This could not be tried: {unknown}. Whether it works on the target is not known.",
            "Give the sandbox what it lacks (sandbox.server_dsn_env names a server of your own), or try it on staging.",
            path=path,
            line=line,
            statement=index,
            evidence=(mark,) if mark else (),
        )
    return Finding(
        rule.id,
        rule.severity,
        rule.title,
        f"PostgreSQL refused this in the sandbox: {text}. The migration stops here.",
        "Mend what the server names; if the sandbox lacks something that the target has, give it to the sandbox.",
        path=path,
        line=line,
        statement=index,
        evidence=(mark,) if mark else (),
        proof=Proof.CONFIRMED,
    )
