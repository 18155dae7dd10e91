"""What there is to offer for one file: its hazards, the rewrite that passed the proof, and why others did not."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ..hazards.context import Context
from ..hazards.reconcile import reconcile
from ..hazards.registry import Category, by_id
from ..hazards.rewriting.registry import answered
from ..hazards.rewriting.walk import Rewritten, rewritten
from ..records import Finding, Proof
from ..sql.parse import Script, parse
from .arrange import Unfit, arrangements, uses
from .files import Draft, diff, drafts
from .prove import Ground, Original, Verdict, prove

if TYPE_CHECKING:
    from ..schema.model import Snapshot


PATIENCE = 60  # seconds for the statements of one file, taken one by one


class Outcome(StrEnum):
    """PROVEN: a rewrite answers it and passed. REFUSED: there is a known form, and a reason why not here. NO_FORM: no
    known form. SPARED: the sandbox saw that it does not happen."""

    PROVEN = "proven"
    REFUSED = "refused"
    NO_FORM = "no known form"
    SPARED = "does not happen"


@dataclass(frozen=True, slots=True)
class Hazard:
    """One finding and what became of it. offered: a rewrite was written and tried. reason: why it was refused, or
    what to do where there is no form."""

    finding: Finding
    outcome: Outcome
    reason: str = ""
    offered: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What `check --fix` has for one file. files: the proven rewrite, none when there is none. diff: shown before
    anything is written."""

    original: Original
    hazards: tuple[Hazard, ...]
    files: tuple[Draft, ...] = ()
    verdict: Verdict | None = None
    diff: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def count(self, *outcomes: Outcome) -> int:
        return sum(h.outcome in outcomes for h in self.hazards)

    @property
    def known(self) -> int:
        """Hazards with a known form."""
        return self.count(Outcome.PROVEN, Outcome.REFUSED)

    @property
    def offered(self) -> int:
        """Hazards for which a rewrite was written and tried."""
        return sum(h.offered for h in self.hazards)


def offer(
    ground: Ground,
    findings: Iterable[Finding],
    before: Snapshot,
    context: Context,
    *,
    taken: Collection[str] = (),
    shown: str = "",
) -> Offer:
    """The offer for the ground's original.

    findings: of the original, as a check by reading gives them. before: the schema on the ground. taken: version
    numbers in use. Errors: SandboxError, DatabaseError when the sandbox itself fails.
    """
    began = time.monotonic()
    original = ground.original
    script = parse(original.sql)
    found = [f for f in findings if not f.ignored]
    if not any(f.rule in answered() for f in found):
        return Offer(original, tuple(_unanswered(found)), seconds=time.monotonic() - began)
    run, after = ground.measured()
    if not run.ok:
        why = f"the original does not run, so there is nothing to compare with: {ground.failure or run.error}"
        seconds = time.monotonic() - began
        return Offer(original, tuple(_refused(found, why)), seconds=seconds, notes=tuple(ground.notes))
    mine = {(f.statement, f.rule) for f in found}
    judged: Sequence[Finding] = found
    if not ground.failure:  # else it was run in another way than its runner would
        judged = reconcile(found, run, context=replace(context, before=before), script=script)
    judged = [f for f in judged if (f.statement, f.rule) in mine]
    spared = [f for f in judged if f.proof is Proof.REFUTED]
    left = [f for f in judged if f.proof is not Proof.REFUTED]
    made = rewritten(
        script,
        {(f.statement, f.rule) for f in left if f.statement is not None},
        replace(context, before=before, setup=()),
        before,
        after.snapshot,
        version=min(context.pg_version, ground.server.version // 10000),
        in_transaction=not original.no_transaction,
    )
    search = _Search(ground, script, made, taken)
    files, verdict, proven = search.best()
    if context.pg_version != ground.server.version // 10000:
        ground.notes.append(f"tried on {ground.server.version_text}; the target is PostgreSQL {context.pg_version}")
    hazards = [*_judged(left, made, proven, search), *(Hazard(f, Outcome.SPARED) for f in spared)]
    hazards.sort(key=lambda h: (h.finding.line, h.finding.rule))
    return Offer(
        original,
        tuple(hazards),
        files,
        verdict,
        diff(original.path, original.sql, files, shown) if files else "",
        time.monotonic() - began,
        tuple(dict.fromkeys(ground.notes)),
    )


def _unanswered(findings: Sequence[Finding]) -> Iterator[Hazard]:
    for finding in findings:
        rule = by_id().get(finding.rule)
        yield Hazard(finding, Outcome.NO_FORM, rule.no_form if rule else "")


def _refused(findings: Sequence[Finding], why: str) -> Iterator[Hazard]:
    """The same reason for every finding that has a known form."""
    for finding in findings:
        if finding.rule in answered():
            yield Hazard(finding, Outcome.REFUSED, why)
        else:
            yield from _unanswered([finding])


def refused(original: Original, findings: Iterable[Finding], why: str) -> Offer:
    """An offer of nothing."""
    return Offer(original, tuple(_refused([f for f in findings if not f.ignored], why)))


def with_rewrite(made: Offer, draft: Draft, verdict: Verdict, origin: str, shown: str = "") -> Offer:
    """The offer with a rewrite that came from elsewhere and passed the proof: it answers what the forms could not."""
    hazards = tuple(
        replace(h, outcome=Outcome.PROVEN, reason="", offered=True) if _of_locks(h.finding) else h for h in made.hazards
    )
    original = made.original
    text = diff(original.path, original.sql, [draft], shown)
    return replace(made, hazards=hazards, files=(draft,), verdict=verdict, diff=text, notes=(*made.notes, origin))


def _of_locks(finding: Finding) -> bool:
    rule = by_id().get(finding.rule)
    return rule is not None and rule.category is Category.LOCKS and rule.enabled


def _judged(
    findings: Sequence[Finding], made: Mapping[int, Rewritten], proven: Collection[int], search: _Search
) -> Iterator[Hazard]:
    for finding in findings:
        if finding.rule not in answered():
            yield from _unanswered([finding])
            continue
        result = made.get(finding.statement) if finding.statement is not None else None
        if result is None:
            yield Hazard(finding, Outcome.REFUSED, "it is about the file as a whole, not about one statement")
        elif finding.rule not in result.rules:
            yield Hazard(finding, Outcome.REFUSED, result.refused.get(finding.rule, ""))
        elif result.index in proven:
            yield Hazard(finding, Outcome.PROVEN, offered=True)
        else:
            yield Hazard(finding, Outcome.REFUSED, search.why(result.index), offered=True)


class _Search:
    """The largest set of statements whose rewrites pass the proof together."""

    def __init__(self, ground: Ground, script: Script, made: Mapping[int, Rewritten], taken: Collection[str]) -> None:
        self.ground, self.script, self.taken = ground, script, taken
        self.made = {number: one for number, one in made.items() if one.rules}
        self.reasons: dict[int, str] = {}

    def best(self) -> tuple[tuple[Draft, ...], Verdict | None, frozenset[int]]:
        """(files, verdict, statements); no files when nothing passes."""
        every = frozenset(self.made)
        if not every:
            return (), None, frozenset()
        files, verdict = self.attempt(every)
        if verdict.proven:
            return files, verdict, every
        if len(every) == 1:
            self.reasons = dict.fromkeys(every, verdict.reason)
            return (), verdict, frozenset()
        kept: frozenset[int] = frozenset()
        best: tuple[tuple[Draft, ...], Verdict | None] = ((), None)
        began = time.monotonic()
        for number in sorted(every):
            if time.monotonic() - began > PATIENCE:
                self.reasons[number] = f"not tried by itself: {PATIENCE} seconds had passed ({verdict.reason})"
                continue
            files, alone = self.attempt(kept | {number})
            if alone.proven:
                kept, best = kept | {number}, (files, alone)
            else:
                self.reasons[number] = alone.reason
        return *best, kept

    def why(self, number: int) -> str:
        return self.reasons.get(number, "")

    def attempt(self, numbers: Collection[int]) -> tuple[tuple[Draft, ...], Verdict]:
        """The first arrangement that passes, or the verdict on the first that was tried."""
        made = {number: self.made[number] for number in numbers}
        writes = sorted({w for one in made.values() for p in one.parts for w in p.writes})
        user = next((m.label for m in self.ground.between if uses(m.sql, writes)), "")
        why = f"{user}, which comes after it, uses the rows that would be written later" if user else ""
        try:
            ways = arrangements(self.script, made, transactional=not self.ground.original.no_transaction, at_once=why)
        except Unfit as reason:
            return (), Verdict(False, str(reason))
        first: Verdict | None = None
        for groups in ways:
            files = drafts(groups, self.script, self.ground.original.path, self.taken)
            verdict = prove(self.ground, files, writes)
            if verdict.proven:
                return files, verdict
            first = first or verdict
        assert first is not None
        return (), first
