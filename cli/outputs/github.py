"""GitHub Actions annotations: one workflow command a finding.

Source: GitHub's documentation, "Workflow commands": %, line feeds, and in properties also : and , are escaped.
"""

from __future__ import annotations

from ...tools.hazards.report import Report
from ...tools.records import Finding, Severity

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report, *, command: str) -> str:
    """One line for each finding that counts."""
    return "".join(f"{_line(f)}\n" for f in report.counting)


def _line(finding: Finding) -> str:
    properties = {"file": finding.path, "line": str(max(finding.line, 1)), "title": f"{finding.rule}: {finding.title}"}
    inside = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{LEVELS[finding.severity]} {inside}::{_message(f'{finding.why} {finding.fix}')}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
