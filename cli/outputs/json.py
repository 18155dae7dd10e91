"""JSON for programs. `schema_version` changes when a key changes its meaning or goes; new keys may come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...tools.hazards.registry import by_id
from ...tools.hazards.report import SCHEMA_VERSION, Report
from ...tools.records import Finding, to_plain


def render(report: Report, *, command: str) -> str:
    """The report. "findings" are those that count; refuted and ignored ones stand apart."""
    return json.dumps(plain(report, command), indent=1, ensure_ascii=False)


def plain(report: Report, command: str) -> Mapping[str, Any]:
    """The report as JSON-plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "verdict": "pass" if report.passed else "fail",
        "fail_on": report.fail_on,
        "pg_version": report.pg_version,
        "measured": report.measured,
        "notes": list(report.notes),
        "counts": {
            "files": len(report.paths),
            "statements": report.statements,
            "findings": len(report.counting),
            "by_severity": report.by_severity(),
            "by_proof": report.by_proof(),
            "ignored": len(report.ignored),
        },
        "files": list(report.paths),
        "findings": [finding_of(f) for f in report.counting],
        "refuted": [finding_of(f) for f in report.refuted],
        "ignored": [finding_of(f) for f in report.ignored],
        "evidence": [to_plain(e) for e in report.evidence],
    }


def rewrite_of(finding: Finding) -> str:
    """How to have it rewritten, where a safe form is known; "" elsewhere. Nothing is tried to say so."""
    rule = by_id().get(finding.rule)
    return f"agentdb check {finding.path} --fix" if rule and rule.rewritten and finding.path else ""


def finding_of(finding: Finding) -> dict[str, Any]:
    """One finding as JSON-plain data; "held" only where the time on the target was reckoned."""
    made: dict[str, Any] = {
        "id": finding.id,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "proof": finding.proof.value,
        "file": finding.path,
        "line": finding.line,
        "statement": finding.statement,
        "title": finding.title,
        "why": finding.why,
        "fix": finding.fix,
        "rewrite": rewrite_of(finding),
        "objects": list(finding.objects),
        "evidence": list(finding.evidence),
        "ignored": finding.ignored,
    }
    return made | ({"held": to_plain(finding.held)} if finding.held else {})
