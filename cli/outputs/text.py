"""Text for people: the verdict first, then each file's findings, advice in short at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ...tools.hazards.report import Report
from ...tools.records import Finding, Proof, Severity
from . import visible
from .json import rewrite_of

STYLES = {"error": "1;31", "warning": "33", "info": "36", "good": "32", "quiet": "2", "head": "1"}
Paint = Callable[[str, str], str]
WIDTH = 110
ADVICE_SHOWN = 10


def render(report: Report, *, command: str) -> str:
    """The report, coloured where stdout is a terminal that wants it."""
    paint = _painter()
    lines = [_verdict(report, paint)]
    loud = [f for f in report.counting if f.severity is not Severity.INFO]
    by_path: dict[str, list[Finding]] = {}
    for finding in loud:
        by_path.setdefault(finding.path, []).append(finding)
    for path, here in by_path.items():
        lines += ["", paint("head", visible(path) or "(text)")]
        for finding in sorted(here, key=lambda f: f.line):
            lines += _finding(finding, paint)
    advice = [f for f in report.counting if f.severity is Severity.INFO]
    if advice:
        lines += ["", paint("head", f"Advice ({len(advice)})")]
        lines += [f"  {_place(f)} {paint('quiet', f.rule)}  {visible(f.title)}" for f in advice[:ADVICE_SHOWN]]
        if len(advice) > ADVICE_SHOWN:
            lines.append(f"  and {len(advice) - ADVICE_SHOWN} more; --format json lists all")
    if report.refuted:
        lines += ["", paint("head", f"Measured not to happen ({len(report.refuted)})")]
        lines += [f"  {_place(f)} {paint('quiet', f.rule)}  {visible(f.title)}" for f in report.refuted]
    if report.ignored:
        lines += ["", paint("head", f"Ignored ({len(report.ignored)})")]
        lines += [f"  {_place(f)} {paint('quiet', f.rule)}  {visible(f.ignored)}" for f in report.ignored]
    if fixable := sum(bool(rewrite_of(f)) for f in report.counting):
        what = "1 finding has" if fixable == 1 else f"{fixable} findings have"
        lines += ["", paint("quiet", f"{what} a known safe form: `agentdb check --fix` tries it and shows the proof.")]
    if report.notes:
        lines += ["", *(paint("quiet", visible(n)) for n in report.notes)]
    return "\n".join(lines)


def _painter() -> Paint:
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return lambda style, text: f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colours else text


def _verdict(report: Report, paint: Paint) -> str:
    files = f"{len(report.paths)} file{'s' if len(report.paths) != 1 else ''}"
    found = [f"{n} {name}{'s' if n != 1 and name != 'info' else ''}" for name, n in report.by_severity().items() if n]
    how = "measured in the sandbox" if report.measured else "read, not run"
    tally = ", ".join(found) or "nothing found"
    word = paint("good", "PASS") if report.passed else paint("error", "FAIL")
    return f"{word}  {files}, {report.statements} statements: {tally} ({how}, PostgreSQL {report.pg_version})"


def _finding(finding: Finding, paint: Paint) -> list[str]:
    mark = f"  {finding.id}" if finding.id else ""
    proof = "" if finding.proof is Proof.UNKNOWN else f"  {finding.proof.value}"
    if proof and finding.evidence:
        proof += f" {', '.join(finding.evidence)}"
    head = f"  {finding.line}: {paint(finding.severity.value, finding.severity.value)} {paint('head', finding.rule)}"
    body = _wrapped(visible(f"{finding.why} {finding.fix}"))
    return [f"{head}{paint('quiet', mark + proof)}", *(f"     {line}" for line in body)]


def _place(finding: Finding) -> str:
    return f"{visible(finding.path)}:{finding.line}"


def _wrapped(text: str) -> list[str]:
    """The words of the text in lines of at most WIDTH characters, a longer word on a line of its own. The standard
    library's textwrap takes longer than finding what is to be wrapped."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while len(rest) > WIDTH:
        end = rest.rfind(" ", 0, WIDTH + 1)
        if end < 0:
            end = rest.find(" ")
        if end < 0:
            break
        lines.append(rest[:end])
        rest = rest[end + 1 :]
    return [*lines, rest] if rest else lines
