"""Findings against what the sandbox saw: CONFIRMED, REFUTED or UNKNOWN, and work that no rule foresaw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ..records import Evidence, Finding, Proof
from ..sql.parse import Script
from .catalog import Catalog
from .context import Context
from .learn import learn
from .opaque import done_unread
from .registry import Effect, Rule, by_id
from .seen import LockSeen, RunSeen, StatementSeen
from .shapes import key, key_of_sql
from .transaction import BLOCKS_READS, BLOCKS_WRITES, STRENGTH
from .unforeseen import HEAVY, explained, failed, is_of_data, unforeseen

# Confirmed, such a finding is no longer a question and becomes one of the other rule.
PROMOTED = {"changing-column-type-unverified": "changing-column-type"}
# Whether these fail depends on the rows, and the sandbox's rows are not the target's.
BY_DATA = {"adding-required-column", "adding-unique-column-with-default"}
# Older versions rewrite and scan where the sandbox's does not.
OLDEST_ALIKE = 12
DATA_KINDS = ("UPDATE", "DELETE", "INSERT", "MERGE", "SELECT", "DO", "CREATE TABLE AS")
SKIPPED = "does not exist, skipping"


def reconcile(
    findings: Iterable[Finding],
    run: RunSeen,
    evidence: Sequence[Evidence] = (),
    *,
    path: str = "",
    context: Context = Context(),  # noqa: B008
    script: Script | None = None,
    exempt: Collection[str] = (),
) -> tuple[Finding, ...]:
    """The findings of one script with their proof and evidence, and measured ones that no rule foresaw.

    evidence: one record per statement of the run, as sandbox.run.evidence makes them. script: what ran; with exempt
    (catalog keys) it tells which relations the same change made, so that nobody uses them yet. REFUTED findings stay
    in the list; they do not fail a check.
    """
    found = list(findings)
    path = path or next((f.path for f in found if f.path), "")
    ran = {s.index: (s, evidence[n].id if n < len(evidence) else "") for n, s in enumerate(run.statements)}
    if any(f.rule == "syntax-error" for f in found):
        # The server got the text as one piece and refused it; of the other findings nothing was seen.
        refused = not run.ok and any(not s.ok for s, _ in ran.values())
        return tuple(replace(f, proof=Proof.CONFIRMED) if refused and f.rule == "syntax-error" else f for f in found)
    made = [_judged(f, *ran[f.statement], context) if f.statement in ran else f for f in found]
    new = {*exempt, *(made_by(script) if script is not None else ())}
    for statement, mark in ran.values():
        mine = [f for f in made if f.statement == statement.index]
        more = unforeseen(statement, mark, mine, path, context, run.unknown, new)
        made.extend(more)
        if statement.ok:
            made.extend(done_unread(statement, mark, [*mine, *more], path, context, new))
    if not run.ok and not any(not s.ok for s, _ in ran.values()) and not explained(made):
        made.append(failed(run.error, run.line, None, path, "", run.unknown))
    return tuple(sorted(made, key=lambda f: (f.statement if f.statement is not None else len(ran), f.line)))


def made_by(script: Script) -> frozenset[str]:
    """The relations that a script makes, by catalog key."""
    catalog = Catalog()
    for parsed in script.statements:
        if parsed.node is not None:
            learn(catalog, parsed.node_name, parsed.node, new=True)
    return frozenset(name for name, table in catalog.tables.items() if table.new)


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
        held = [
            lock for lock in ran.held if key_of_sql(lock.relation) in relations and STRENGTH[lock.mode] >= BLOCKS_READS
        ]
        seen = bool(held) and _works(ran)
        if held and not seen and ran.kind in DATA_KINDS:
            return Proof.UNKNOWN  # how much it does depends on the rows
    elif rule.effect in HEAVY:
        seen = bool(_work_on(ran, relations)) or (bool(_work_on(ran, set())) and _partitioned(ran, relations))
    elif rule.effect is Effect.LOCK:
        seen = _locked((*ran.locks, *ran.held), relations)
    else:
        return Proof.CONFIRMED
    if seen:
        return Proof.CONFIRMED
    # Outside of a transaction locks are gone before all of them can be seen; inside a block or function another
    # branch may have been taken than the target will take.
    return Proof.REFUTED if ran.in_transaction and not finding.why.startswith("Inside ") else Proof.UNKNOWN


def _relations(finding: Finding, ran: StatementSeen) -> set[str]:
    """The finding's objects that the run speaks of as relations; empty when it speaks of none."""
    told = {key_of_sql(lock.relation) for lock in (*ran.locks, *ran.held)}
    told |= {key_of_sql(name) for name in (*ran.rewrites, *ran.scans, *(b.table for b in ran.index_builds))}
    return {key(o) for o in finding.objects} & told


def _locked(locks: Sequence[LockSeen], relations: set[str]) -> bool:
    """Whether a lock that stops writes was seen on one of the relations (on anything, when none is named)."""
    strong = [lock for lock in locks if lock.existed_before and STRENGTH.get(lock.mode, 0) >= BLOCKS_WRITES]
    return any(not relations or key_of_sql(lock.relation) in relations for lock in strong)


def _work_on(ran: StatementSeen, relations: set[str]) -> list[str]:
    """The relations, among those named (or all), on which rows were rewritten, read, or indexed."""
    seen = [*ran.rewrites, *ran.scans, *(b.table for b in ran.index_builds if b.existed_before)]
    touched = {key_of_sql(name) for name in seen}
    return sorted(touched & relations if relations else touched)


def _partitioned(ran: StatementSeen, relations: set[str]) -> bool:
    """Whether one of the relations is partitioned, so that the work is done on its partitions."""
    return any(lock.kind == "partitioned table" and key_of_sql(lock.relation) in relations for lock in ran.locks)


def _works(ran: StatementSeen) -> bool:
    return bool(ran.rewrites or ran.scans or ran.written or ran.rows or any(b.existed_before for b in ran.index_builds))


def failed_on_data(run: RunSeen) -> bool:
    """Whether the run stopped at rows, so that a run without rows can still show what the statements do."""
    return any(not s.ok and is_of_data(s.sqlstate) for s in run.statements)


def with_data_failure(findings: Iterable[Finding], run: RunSeen, *, path: str = "") -> tuple[Finding, ...]:
    """The findings of a run without rows, and what the run with rows says besides: where those made it fail."""
    found = list(findings)
    for statement in run.statements:
        if statement.ok:
            continue
        mine = [f for f in found if f.statement == statement.index]
        if explained(mine):
            found = [
                replace(f, proof=Proof.CONFIRMED) if f in mine and by_id()[f.rule].effect is Effect.FAILS else f
                for f in found
            ]
        else:
            text = f"{statement.sqlstate} {statement.message}".strip()
            found.append(failed(text, statement.line, statement.index, path, "", ""))
    return tuple(found)
