"""Markdown for a pull request: a table and the details, inert whatever the names in it say."""

from __future__ import annotations

import re

from ...tools.hazards.report import Report
from ...tools.records import Finding, Proof
from . import visible

MARKS = {"error": "error", "warning": "warning", "info": "info"}
LONGEST = 600
SHOWN = 50

# Everything that Markdown or GitHub gives a meaning: markup, HTML, mentions, references, links.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#!|~&$])")


def render(report: Report, *, command: str) -> str:
    """The verdict, the findings that count as a table, then why and what to write for each."""
    word = "passed" if report.passed else "failed"
    how = "measured in the sandbox" if report.measured else "read, not run"
    tally = ", ".join(f"{n} {name}" for name, n in report.by_severity().items() if n) or "nothing found"
    lines = [
        f"### agentdb {command}: {word}",
        "",
        f"{len(report.paths)} file{'' if len(report.paths) == 1 else 's'}, {report.statements} statements: {tally} ({how}, PostgreSQL {report.pg_version}).",
    ]
    found = report.counting[:SHOWN]
    if found:
        lines += ["", "| | Severity | Rule | Place | Proof |", "|---|---|---|---|---|"]
        lines += [_row(f) for f in found]
        lines += ["", *(line for f in found for line in _details(f))]
        if len(report.counting) > SHOWN:
            lines += ["", f"{len(report.counting) - SHOWN} more are not shown."]
    for title, rest in (("Measured not to happen", report.refuted), ("Ignored in the file", report.ignored)):
        if rest:
            lines += ["", f"**{title}**", ""]
            lines += [f"- {code(_place(f))} {code(f.rule)} {inert(f.ignored or f.title)}" for f in rest[:SHOWN]]
    if report.notes:
        lines += ["", *(inert(n) for n in report.notes)]
    return "\n".join(lines)


def _row(finding: Finding) -> str:
    proof = "" if finding.proof is Proof.UNKNOWN else finding.proof.value
    cells = [finding.id, MARKS[finding.severity.value], code(finding.rule), code(_place(finding)), proof]
    return "| " + " | ".join(cells) + " |"


def _details(finding: Finding) -> list[str]:
    mark = f"{finding.id} " if finding.id else ""
    return [f"- **{mark}{inert(finding.title)}** ({code(_place(finding))}): {inert(finding.why)} {inert(finding.fix)}"]


def _place(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}"


def inert(text: str) -> str:
    """Text that Markdown shows as it is: nothing in it links, mentions, refers, or opens a tag."""
    shown = visible(" ".join(text.split()))[:LONGEST]
    escaped = SPECIAL.sub(r"\\\1", shown)
    # A word joiner keeps mentions, references and bare addresses from being recognised; escaping alone does not.
    escaped = escaped.replace("@", "@\u2060").replace("#", "#\u2060")
    return re.sub(r"(?i)\b(https?|ftp|www|mailto|GH)(?=[:.-])", "\\1\u2060", escaped)


def code(text: str) -> str:
    """Text in code quotes, whatever it contains; safe inside a table's cell."""
    shown = visible(" ".join(text.split()))[:LONGEST].replace("|", "\u2502").replace("`", "\u02cb")
    return f"`{shown.replace('@', '@' + chr(0x2060)) or ' '}`"
