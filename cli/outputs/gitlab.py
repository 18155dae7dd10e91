"""GitLab code quality report: a JSON list in the CodeClimate form.

Source: GitLab's documentation, "Code Quality report format".
"""

from __future__ import annotations

import hashlib
import json

from ...tools.hazards.report import Report
from ...tools.records import Finding, Severity

LEVELS = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report, *, command: str) -> str:
    """The findings that count; the fingerprint of each stays the same while its text and file do."""
    seen: dict[str, int] = {}
    return json.dumps([_entry(f, seen) for f in report.counting], indent=1, ensure_ascii=False)


def _entry(finding: Finding, seen: dict[str, int]) -> dict[str, object]:
    basis = f"{finding.path}\0{finding.rule}\0{finding.why}"
    seen[basis] = seen.get(basis, 0) + 1
    return {
        "description": f"{finding.title}. {finding.why} {finding.fix}",
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(f"{basis}\0{seen[basis]}".encode()).hexdigest(),
        "severity": LEVELS[finding.severity],
        "location": {"path": finding.path, "lines": {"begin": max(finding.line, 1)}},
    }
