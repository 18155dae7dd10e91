"""Findings against what the sandbox saw: CONFIRMED, REFUTED or UNKNOWN, and work that no rule foresaw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ..records import Evidence, Finding, Proof
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
# Older versions rewrite and scan where the sandbox's does not.
OLDEST_ALIKE = 12
# SQLSTATE classes of failures that the rows are to blame for: data exceptions and integrity violations.
DATA_CLASSES = ("22", "23")
SKIPPED = "does not exist, skipping"


def reconcile(
    findings: Iterable[Finding],
    run: RunSeen,
    evidence: Sequence[Evidence] = (),
    *,
    path: str = "",
    context: Context = Context(),  # noqa: B008
    exempt: Collection[str] = (),
) -> tuple[Finding, ...]:
    """The findings of one script with their proof and evidence, and measured ones that no rule foresaw.

    evidence: one record per statement of the run, as sandbox.run.evidence makes them. exempt: relations (catalog keys)
    that the same change made, so that nobody uses them yet. REFUTED findings stay in the list; they do not fail a check.
    """
    found = list(findings)
    path = path or next((f.path for f in found if f.path), "")
    ran = {s.index: (s, evidence[n].id if n < len(evidence) else "") for n, s in enumerate(run.statements)}
    if any(f.rule == "syntax-error" for f in found):
        # The server got the text as one piece and refused it; of the other findings nothing was seen.
        refused = not run.ok and any(not s.ok for s, _ in ran.values())
        return tuple(replace(f, proof=Proof.CONFIRMED) if refused and f.rule == "syntax-error" else f for f in found)
    made = [_judged(f, *ran[f.statement], context) if f.statement in ran else f for f in found]
    for statement, mark in ran.values():
        made.extend(_unforeseen(statement, mark, made, path, context, run.unknown, exempt))
    if not run.ok and not any(not s.ok for s, _ in ran.values()) and not _explained(made):
        made.append(_failed(run.error, run.line, None, path, "", run.unknown))
    return tuple(sorted(made, key=lambda f: (f.statement if f.statement is not None else len(ran), f.line)))


def _judged(finding: Finding, ran: StatementSeen, mark: str, context: Context) -> Finding:
    rule = by_id().get(finding.rule)
    if rule is None or ran.skipped:
        return finding
    proof = _proof(rule, finding, ran)
    if proof is Proof.REFUTED and (context.pg_version < OLDEST_ALIKE or rule.until):
        proof = Proof.UNKNOWN  # the target's version may do otherwise
    marks = (mark,) if mark and proof is not Proof.UNKNOWN else ()
    if proof is Proof.CONFIRMED and finding.rule in PROMOTED:
        better = by_id()[PROMOTED[finding.rule]]
        finding = replace(finding, rule=better.id, title=better.title, severity=better.severity)
    return replace(finding, proof=proof, evidence=finding.evidence + marks)


def _proof(rule: Rule, finding: Finding, ran: StatementSeen) -> Proof:
    if rule.effect is Effect.NONE:
        return Proof.UNKNOWN
    if rule.effect is Effect.FAILS:
        if not ran.ok:
            return Proof.CONFIRMED
        # A statement that may not stand in a transaction was run outside of one, which says nothing.
        return Proof.UNKNOWN if rule.id in BY_DATA or rule.id == "ban-in-transaction" else Proof.REFUTED
    if not ran.ok:
        return Proof.UNKNOWN
    relations = _relations(finding, ran)
    if any(SKIPPED in notice for notice in ran.notices) and not _locked(ran.locks, relations):
        return Proof.REFUTED
    if rule.id == "holding-lock-during-work":
        held = [lock for lock in ran.held if key(lock.relation) in relations and STRENGTH[lock.mode] >= BLOCKS_READS]
        seen = bool(held) and _works(ran)
    elif rule.effect in HEAVY:
        seen = bool(_work_on(ran, relations))
    elif rule.effect is Effect.LOCK:
        seen = _locked((*ran.locks, *ran.held), relations)
    else:
        return Proof.CONFIRMED
    if seen:
        return Proof.CONFIRMED
    # Outside of a transaction locks are gone before all of them can be seen.
    return Proof.REFUTED if ran.in_transaction else Proof.UNKNOWN


def _relations(finding: Finding, ran: StatementSeen) -> set[str]:
    """The finding's objects that the run speaks of as relations; empty when it speaks of none."""
    told = {key(lock.relation) for lock in (*ran.locks, *ran.held)}
    told |= {key(name) for name in (*ran.rewrites, *ran.scans)} | {key(b.table) for b in ran.index_builds}
    return {key(o) for o in finding.objects} & told


def _locked(locks: Sequence[LockSeen], relations: set[str]) -> bool:
    """Whether a lock that stops writes was seen on one of the relations (on anything, when none is named)."""
    strong = [lock for lock in locks if lock.existed_before and STRENGTH.get(lock.mode, 0) >= BLOCKS_WRITES]
    return any(not relations or key(lock.relation) in relations for lock in strong)


def _work_on(ran: StatementSeen, relations: set[str]) -> list[str]:
    """The relations, among those named (or all), on which rows were rewritten, read, or indexed."""
    seen = [*ran.rewrites, *ran.scans, *(b.table for b in ran.index_builds if b.existed_before)]
    touched = {key(name) for name in seen}
    return sorted(touched & relations if relations else touched)


def _works(ran: StatementSeen) -> bool:
    return bool(ran.rewrites or ran.scans or ran.written or ran.rows or any(b.existed_before for b in ran.index_builds))


def _unforeseen(
    ran: StatementSeen,
    mark: str,
    findings: Sequence[Finding],
    path: str,
    context: Context,
    unknown: str,
    exempt: Collection[str],
) -> list[Finding]:
    """Findings for work, or a failure, of one statement that no finding speaks of."""
    mine = [f for f in findings if f.statement == ran.index]
    if not ran.ok:
        if _explained(mine):
            return []
        text = f"{ran.sqlstate} {ran.message}".strip()
        return [_failed(text, ran.line, ran.index, path, mark, unknown)]
    if _explained(mine):
        return []  # on a table with rows it does not get as far as that
    heavy = {o for f in mine for o in map(key, f.objects) if by_id()[f.rule].effect in (*HEAVY, Effect.LOCK)}
    made = []
    for rule_id, effect, names in (
        ("measured-rewrite", "writes every row of {} anew", ran.rewrites),
        ("measured-scan", "reads every row of {}", ran.scans),
        ("measured-index-build", "builds an index on {}", [b.table for b in ran.index_builds if b.existed_before]),
    ):
        for name in dict.fromkeys(map(key, names)):
            lock = _strongest(ran, name)
            if name in heavy or name in exempt or lock is None or not _keeps_out(lock):
                continue
            heavy.add(name)
            finding = _measured(rule_id, effect.format(shown(name)), lock.mode, name, ran, mark, path, context)
            made.extend(finding)
    return made


def _keeps_out(lock: LockSeen) -> bool:
    """Whether the lock keeps anybody waiting: writers of a table, readers of what nobody writes."""
    least = BLOCKS_READS if lock.kind == "materialized view" else BLOCKS_WRITES
    return STRENGTH.get(lock.mode, 0) >= least


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


def _explained(findings: Iterable[Finding]) -> bool:
    """Whether a finding says already that the statement fails."""
    return any(by_id()[f.rule].effect is Effect.FAILS for f in findings if f.rule in by_id())


def _failed(text: str, line: int, index: int | None, path: str, mark: str, unknown: str) -> Finding:
    state = text[:5]
    if unknown:
        rule, proof = by_id()["untried-statement"], Proof.UNKNOWN
        why = f"This could not be tried: {unknown}. Whether it works on the target is not known."
        fix = rule.fix
    elif state[:2] in DATA_CLASSES and state.isalnum():
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


def failed_on_data(run: RunSeen) -> bool:
    """Whether the run stopped at rows, so that a run without rows can still show what the statements do."""
    return any(not s.ok and s.sqlstate[:2] in DATA_CLASSES for s in run.statements)


def with_data_failure(findings: Iterable[Finding], run: RunSeen, *, path: str = "") -> tuple[Finding, ...]:
    """The findings of a run without rows, and what the run with rows says besides: where those made it fail."""
    found = list(findings)
    for statement in run.statements:
        if statement.ok:
            continue
        mine = [f for f in found if f.statement == statement.index]
        if _explained(mine):
            found = [
                replace(f, proof=Proof.CONFIRMED) if f in mine and by_id()[f.rule].effect is Effect.FAILS else f
                for f in found
            ]
        else:
            text = f"{statement.sqlstate} {statement.message}".strip()
            found.append(_failed(text, statement.line, statement.index, path, "", ""))
    return tuple(found)
