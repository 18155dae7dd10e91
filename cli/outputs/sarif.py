"""SARIF 2.1.0, as code scanning services read it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from ... import __version__
from ...tools.hazards.registry import by_id
from ...tools.hazards.report import Report
from ...tools.records import Finding, Severity
from .json import rewrite_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report, *, command: str) -> str:
    """All findings; ignored ones are suppressed, refuted ones are of kind "pass"."""
    ids = list(dict.fromkeys(f.rule for f in report.findings))
    places = {rule: number for number, rule in enumerate(ids)}
    seen: dict[str, int] = {}
    run = {
        "tool": {
            "driver": {
                "name": "agentdb",
                "semanticVersion": __version__,
                "rules": [_rule(rule, report) for rule in ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, places, seen) for f in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)


def _rule(rule_id: str, report: Report) -> dict[str, Any]:
    known = by_id().get(rule_id)
    title = known.title if known else next(f.title for f in report.findings if f.rule == rule_id)
    made: dict[str, Any] = {"id": rule_id, "shortDescription": {"text": title}}
    if known:
        made["fullDescription"] = {"text": known.why}
        made["help"] = {"text": f"{known.why}\n\nInstead: {known.fix}"}
        made["defaultConfiguration"] = {"level": LEVELS[known.severity], "enabled": known.enabled}
        made["properties"] = {"tags": [known.category.value]}
    return made


def _result(finding: Finding, places: dict[str, int], seen: dict[str, int]) -> dict[str, Any]:
    basis = f"{finding.path}\0{finding.rule}\0{finding.why}"
    seen[basis] = seen.get(basis, 0) + 1
    refuted = finding.proof.value == "REFUTED"
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "kind": "pass" if refuted else "fail",
        "level": "none" if refuted else LEVELS[finding.severity],
        "message": {"text": f"{finding.why} {finding.fix}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path.replace("\\", "/"), safe="/.-_~")},
                    "region": {"startLine": max(finding.line, 1)},
                }
            }
        ],
        "partialFingerprints": {
            "agentdbFinding/v1": hashlib.sha256(f"{basis}\0{seen[basis]}".encode()).hexdigest()[:32]
        },
        "properties": {
            "proof": finding.proof.value,
            "evidence": list(finding.evidence),
            "rewrite": rewrite_of(finding),
        },
    }
    if finding.ignored:
        made["suppressions"] = [{"kind": "inSource", "justification": finding.ignored}]
    return made
