"""JUnit XML: each file is a test case, and fails where a finding reaches fail_on."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ...tools.hazards.report import Report
from ...tools.records import Finding


def render(report: Report, *, command: str) -> str:
    """One suite with a case for each file; findings below fail_on stand in the case's output."""
    failing = set(map(id, report.failing))
    paths = report.paths or tuple(dict.fromkeys(f.path for f in report.counting))
    cases, failures = [], 0
    for path in paths:
        mine = [f for f in report.counting if f.path == path]
        bad = [f for f in mine if id(f) in failing]
        failures += bool(bad)
        body = "".join(_failure(f) for f in bad[:1])
        rest = "\n".join(_line(f) for f in mine)
        body += f"<system-out>{_text(rest)}</system-out>" if mine else ""
        cases.append(
            f"  <testcase classname={_attribute(f'agentdb.{command}')} name={_attribute(path)}>{body}</testcase>"
        )
    head = f'<testsuite name="agentdb {command}" tests="{len(cases)}" failures="{failures}" errors="0">'
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", head, *cases, "</testsuite>", "</testsuites>"]
    )


def _failure(finding: Finding) -> str:
    return f"<failure type={_attribute(finding.rule)} message={_attribute(finding.title)}>{_text(_line(finding))}</failure>"


def _line(finding: Finding) -> str:
    return f"{finding.path}:{finding.line} {finding.severity.value} {finding.rule}: {finding.why} {finding.fix}"


def _text(text: str) -> str:
    return escape(_allowed(text))


def _attribute(text: str) -> str:
    return quoteattr(_allowed(text))


def _allowed(text: str) -> str:
    """The text without the characters that XML 1.0 has no form for."""
    return "".join(
        c if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or c >= "\ue000" and c not in "\ufffe\uffff" else "?"
        for c in text
    )
