"""The verdict on a pull request, by fixed rules. A model, a clock and the order of arrival have no say in it."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Finding, Proof, Severity
from .record import Entry, Judgement

FINDINGS, FAILED = 1, 3  # exit codes, as of every command
LOSING = ("LOSSY", "IMPOSSIBLE")
MENDED = 6  # findings whose remedy is named


def judge(
    entries: Sequence[Entry],
    findings: Sequence[Finding],
    *,
    fail_on: str,
    trouble: str = "",
    hint: str = "",
    exit_code: int = FAILED,
    moves: Sequence[str] = (),
    settings_changed: bool = False,
) -> Judgement:
    """The verdict. trouble: why the sandbox did not run at all, "" when it did; hint and exit_code belong to it."""
    reasons: list[str] = []
    do: list[str] = []
    code = 0
    if trouble:
        code = exit_code
        reasons.append(f"nothing could be measured: {trouble}")
        do += [hint] if hint else []
    blocking = [f for f in findings if blocks(f, fail_on)]
    mended = {f.path for f in blocking}
    for entry in entries:
        if entry.ok is False:
            code = FAILED
            reasons.append(f"{entry.label} fails in the sandbox, {entry.error}")
            if entry.path not in mended:
                do.append(f"{entry.path}: mend the statement that failed; it would fail on the target as well.")
        elif entry.ok is None and entry.unknown:
            code = FAILED
            reasons.append(f"{entry.label} could not be tried, {entry.error}")
            do.append(f"{entry.path}: try it on a server that can (sandbox.server_dsn_env), or on staging.")
    broken = [e for e in entries if e.rollback and e.rollback.klass == "IMPOSSIBLE" and e.rollback.by == "a person"]
    for entry in broken:
        if entry.irreversible or entry.rollback is None:
            continue
        code = FAILED
        reasons.append(f"the rollback of {entry.label} does not work: {entry.rollback.reason}")
        do.append(f"Mend {entry.rollback.path}, or delete it to have it drafted anew.")
    if blocking:
        code = code or FINDINGS
        reasons.insert(0, count(blocking))
        do += [remedy(f) for f in blocking[:MENDED]]
        if moves and any(map(is_conflict, blocking)) and not any("--fix" in line for line in do):
            do.append(
                "agentdb conflicts --base with the same branch shows the renames that settle this; --fix makes them."
            )
    if code:
        return Judgement("blocked", tuple(reasons + _losses(entries)), tuple(dict.fromkeys(do)), code)
    if not entries:
        return Judgement("nothing", ("no migration is changed here",))
    reasons += _losses(entries)
    open_ones = [f for f in findings if counts(f) and f.severity is not Severity.INFO]
    if open_ones:
        reasons.append(count(open_ones))
        do += [remedy(f) for f in open_ones[:MENDED]]
    if waived := [
        f for f in findings if f.ignored and f.proof is not Proof.REFUTED and f.severity is not Severity.INFO
    ]:
        reasons.append(f"{count(waived)} ignored in the files, each with its reason")
    reasons += [f"{e.label}: the sandbox could not tell everything: {e.unknown}" for e in entries if e.unknown]
    reasons += [f"{e.label} is deleted" for e in entries if e.change == "deleted"]
    if settings_changed:
        reasons.append("agentdb.toml is changed here as well: the rules that judged this are the branch's own")
    if reasons:
        return Judgement("look", tuple(reasons), tuple(dict.fromkeys(do)))
    return Judgement("fine", ("every migration ran, and every rollback was proven",))


def _losses(entries: Sequence[Entry]) -> list[str]:
    """What going back does not bring back, and what was not proven."""
    found = []
    for entry in entries:
        back = entry.rollback
        if back is None or (back.klass == "LOSSLESS" and back.proven):
            continue
        word = back.klass if back.proven or back.klass in LOSING else f"{back.klass}, not proven"
        found.append(
            f"{entry.label}: going back is {word} ({back.reason})" if back.reason else f"{entry.label}: {word}"
        )
    return found


def counts(finding: Finding) -> bool:
    """Whether a finding counts: not refuted by the sandbox, not ignored in the file."""
    return finding.proof is not Proof.REFUTED and not finding.ignored


def is_conflict(finding: Finding) -> bool:
    """Whether a finding is about migrations that are in each other's way."""
    return finding.rule.startswith("conflict-")


def blocks(finding: Finding, fail_on: str) -> bool:
    """Whether a finding stops the pull request at this limit."""
    return fail_on != "never" and counts(finding) and finding.severity.rank >= Severity(fail_on).rank


def count(findings: Sequence[Finding]) -> str:
    """ "2 errors and 1 warning (F-1, F-2, F-5)"."""
    tally = {s: sum(f.severity is s for f in findings) for s in reversed(Severity)}
    words = [f"{n} {s.value}{'s' if n > 1 and s is not Severity.INFO else ''}" for s, n in tally.items() if n]
    ids = [f.id for f in findings]
    shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return f"{' and '.join(words)} ({shown})"


def remedy(finding: Finding) -> str:
    """What to do about a finding, with its place."""
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path or "the project"
    return f"{finding.id} {place}: {' '.join((finding.fix or finding.title).split())}"
