"""The verdict on a run, by fixed rules: no clock, no model, no order of arrival has a say in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..records import Severity

Word = Literal["safe", "needs approval", "blocked"]

FINDINGS, FAILED = 1, 3  # exit codes, design section 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, why, what to do next (both in the order of importance), and the exit code of the command."""

    word: Word
    reasons: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    exit_code: int = 0


def verdict(
    *,
    trouble: Mapping[str, Any],
    migrations: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    fail_on: str,
    rehearsal: Mapping[str, Any],
    rollbacks: Sequence[Mapping[str, Any]],
    moves: Sequence[str] = (),
    target: str = "",
    needs_approval: bool = True,
    alone: Sequence[str] = (),
) -> Verdict:
    """The verdict on plain results of a run.

    trouble: what stopped it ({"what", "where", "hint", "exit_code"}) or {}. fail_on: severity from which a finding
    blocks, or "never". target: its name, "" without one. alone: labels that must go before these and are left out.
    """
    if trouble:
        place = f"{trouble['where']}: " if trouble.get("where") else ""
        hint = trouble.get("hint") or ""
        return Verdict("blocked", (f"{place}{trouble['what']}",), (hint,) if hint else (), int(trouble["exit_code"]))
    if not migrations:
        return Verdict("safe", ("nothing is pending",), ("agentdb new NAME writes the next migration.",))
    reasons: list[str] = []
    do: list[str] = []
    code = 0
    if not rehearsal.get("ok"):
        code = FAILED
        reasons.append(f"the sandbox run failed: {rehearsal.get('error') or 'see below'}")
        do.append("Mend the statement that failed; it would fail on the target as well.")
    blocking = [f for f in findings if blocks(f, fail_on)]
    if blocking:
        code = code or FINDINGS
        reasons.append(_count(blocking))
        do += [_mend(f) for f in blocking[:5]]
    if moves and any(f["rule"].startswith("conflict-") for f in blocking):
        do.append("agentdb conflicts shows the moves that settle this, and makes them with --fix.")
    declared = {m["label"] for m in migrations if m.get("irreversible")}
    broken = [
        r
        for r in rollbacks
        if r["class"] == "IMPOSSIBLE" and r["written_by"] != "agentdb" and r["label"] not in declared
    ]
    if broken:
        code = FAILED
        reasons += [f"the rollback of {r['label']} does not work: {r['reason']}" for r in broken]
        do += [f"Mend {r['path']}, or delete it to have it drafted anew." for r in broken]
    if code:
        return Verdict("blocked", tuple(reasons), tuple(do), code)
    lossy = [f"{r['label']}: going back is {r['class']} ({r['reason']})" for r in rollbacks if r["class"] in _LOSING]
    warnings = [f for f in findings if open_(f) and f["severity"] == Severity.WARNING.value]
    reasons += lossy
    reasons += [
        f"{r['label']}: going back is proven for the schema alone ({r['reason']})"
        for r in rollbacks
        if not r["proven"] and r["class"] not in _LOSING
    ]
    if warnings:
        reasons.append(_count(warnings))
    waived = [f for f in findings if f.get("ignored") and f["proof"] != "REFUTED" and f["severity"] != "info"]
    if waived:
        reasons.append(f"{_count(waived)} ignored in the files, each with its reason")
    reasons += [f"{m['label']} {m['of_rows']}" for m in rehearsal.get("migrations", ()) if m.get("of_rows")]
    if rehearsal.get("unknown"):
        reasons.append(f"the sandbox could not tell everything: {rehearsal['unknown']}")
    if alone:
        return Verdict(
            "needs approval",
            (*reasons, f"{', '.join(alone)} must go before this"),
            ("Run agentdb run without file names to take all of them.",),
        )
    if not target:
        return Verdict("needs approval", tuple(reasons), ("Name a target to plan for: --target NAME.",))
    if needs_approval:
        return Verdict(
            "needs approval",
            tuple(reasons) or ("the checks found nothing; this target needs a person's approval",),
            (f"agentdb review --target {target}, or agentdb approve and agentdb apply.",),
        )
    if lossy:
        return Verdict("needs approval", tuple(reasons), (f"agentdb review --target {target}",))
    return Verdict("safe", tuple(reasons), (f"agentdb apply --target {target}",))


_LOSING = ("LOSSY", "IMPOSSIBLE")


def open_(finding: Mapping[str, Any]) -> bool:
    """Whether a finding counts: not refuted by the sandbox, not ignored in the file."""
    return finding["proof"] != "REFUTED" and not finding.get("ignored")


def blocks(finding: Mapping[str, Any], fail_on: str) -> bool:
    """Whether a finding stops the run at this limit."""
    return fail_on != "never" and open_(finding) and Severity(finding["severity"]).rank >= Severity(fail_on).rank


def _count(findings: Sequence[Mapping[str, Any]]) -> str:
    """ "2 errors and 1 warning (F-1, F-2, F-5)"."""
    numbers = {s: sum(f["severity"] == s for f in findings) for s in ("error", "warning", "info")}
    words = [f"{n} {s if s == 'info' else s + ('s' if n > 1 else '')}" for s, n in numbers.items() if n]
    ids = [f["id"] for f in findings]
    shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return f"{' and '.join(words)} ({shown})"


def _mend(finding: Mapping[str, Any]) -> str:
    place = f"{finding['path']}:{finding['line']}" if finding.get("line") else finding.get("path") or "the project"
    fix = " ".join(str(finding["fix"]).split())
    return f"{finding['id']} {place}: {fix}" if fix else f"{finding['id']} {place}: {finding['title']}"
