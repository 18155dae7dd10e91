"""What `agentdb check --fix` found, for people (text) and for programs (JSON, SARIF)."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from ..tools.fixes.offer import Hazard, Outcome
from ..tools.hazards.report import SCHEMA_VERSION, Report
from ..tools.hazards.run import numbered
from .fixing import File, Fixes
from .outputs import visible

FORMATS = ("text", "json", "sarif")
WIDTH = 110


def render(form: str, fixes: Fixes, *, dry_run: bool) -> str:
    """The fixes in one of FORMATS, ending with a line feed."""
    if form == "json":
        return json.dumps(_plain(fixes, dry_run), indent=1, ensure_ascii=False) + "\n"
    if form == "sarif":
        return _sarif(fixes)
    return "\n".join(_text(fixes, dry_run)) + "\n"


def tally(fixes: Fixes) -> str:
    """The counts in one line."""
    proven, refused = fixes.count(Outcome.PROVEN), fixes.count(Outcome.REFUSED)
    offered = sum(h.offered for h in fixes.hazards)
    words = [f"{proven + refused} hazard{'s' if proven + refused != 1 else ''} with a known form"]
    words += [f"{offered} offered", f"{proven} proven", f"{refused} refused"]
    line = f"{words[0]}: {', '.join(words[1:])}"
    if spared := fixes.count(Outcome.SPARED):
        line += f"; {spared} seen not to happen"
    return f"{line}; {fixes.count(Outcome.NO_FORM)} other findings without one"


# -- text


def _text(fixes: Fixes, dry_run: bool) -> list[str]:
    lines = [f"{'PASS' if fixes.passed else 'FAIL'}  {tally(fixes)}"]
    for file in fixes.files:
        if any(h.outcome is not Outcome.NO_FORM for h in file.offer.hazards):
            lines += ["", *_file(file, fixes.server, dry_run)]
    rest = [(f, h) for f in fixes.files for h in f.offer.hazards if h.outcome is Outcome.NO_FORM]
    if rest:
        lines += ["", "No known form:"]
        for file, hazard in rest:
            lines += _wrapped(
                f"{visible(file.shown)}:{hazard.finding.line} {hazard.finding.rule}: {hazard.reason}", "  "
            )
    lines += [f"Note: {visible(note)}" for note in fixes.notes]
    return lines


def _file(file: File, server: str, dry_run: bool) -> list[str]:
    made = file.offer
    lines = [visible(file.shown)]
    for hazard in made.hazards:
        if hazard.outcome is not Outcome.NO_FORM:
            lines += _wrapped(_hazard(hazard), "  ")
    if made.verdict is not None and made.verdict.proven:
        lines += _wrapped(f"Proven in {made.seconds:.1f} s on {server}: {made.verdict.reason}.", "  ")
        lines += [line for e in made.verdict.exceptions for line in _wrapped(f"Not the same: {e}.", "  ")]
    lines += [line for note in made.notes for line in _wrapped(f"Note: {note}.", "  ")]
    if made.diff:
        lines += ["", *(visible(line) for line in made.diff.rstrip("\n").split("\n")), ""]
    if file.written:
        lines.append(f"  Written: {', '.join(p.name for p in file.written)}")
    elif made.files and dry_run:
        lines.append("  Nothing written (--dry-run).")
    return lines


def _hazard(hazard: Hazard) -> str:
    reason = f": {hazard.reason}" if hazard.reason else ""
    return visible(f"{hazard.finding.line}: {hazard.finding.rule}  {hazard.outcome.value}{reason}")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- for programs


def _plain(fixes: Fixes, dry_run: bool) -> dict[str, Any]:
    outcomes = {o.name.lower(): fixes.count(o) for o in Outcome}
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "check --fix",
        "verdict": "pass" if fixes.passed else "fail",
        "fail_on": fixes.fail_on,
        "dry_run": dry_run,
        "server": fixes.server,
        "counts": {
            "known_form": fixes.count(Outcome.PROVEN, Outcome.REFUSED),
            "offered": sum(h.offered for h in fixes.hazards),
            **outcomes,
        },
        "notes": list(fixes.notes),
        "files": [_plain_file(f) for f in fixes.files],
    }


def _plain_file(file: File) -> dict[str, Any]:
    made = file.offer
    verdict = made.verdict
    return {
        "file": file.shown,
        "proven": bool(verdict and verdict.proven),
        "reason": verdict.reason if verdict else "",
        "exceptions": list(verdict.exceptions) if verdict else [],
        "blocked_before": _pairs(verdict.before.long) if verdict and verdict.before else [],
        "blocked_after": _pairs(verdict.after.long) if verdict and verdict.after else [],
        "seconds": round(made.seconds, 2),
        "notes": list(made.notes),
        "hazards": [
            {
                "rule": h.finding.rule,
                "severity": h.finding.severity.value,
                "line": h.finding.line,
                "outcome": h.outcome.name.lower(),
                "offered": h.offered,
                "reason": h.reason,
            }
            for h in made.hazards
        ],
        "rewrite": [{"file": d.path.name, "no_transaction": d.no_transaction, "text": d.text} for d in made.files],
        "written": [p.name for p in file.written],
        "diff": made.diff,
    }


def _pairs(pairs: frozenset[tuple[str, str]]) -> list[str]:
    return [f"{operation} on {relation}" for operation, relation in sorted(pairs)]


def _sarif(fixes: Fixes) -> str:
    """The findings as the check prints them, each proven one with its fix: whole files put in place.

    Source: SARIF 2.1.0, section 3.55 (fix objects); a region of a file's length stands for all of it.
    """
    from .outputs import sarif

    findings = [h.finding for h in fixes.hazards]
    made = json.loads(sarif.render(Report(numbered(findings)), command="check --fix"))
    results = iter(made["runs"][0]["results"])
    for file in fixes.files:
        for hazard in file.offer.hazards:
            result = next(results)
            if hazard.outcome is Outcome.PROVEN:
                result["fixes"] = [_sarif_fix(file)]
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _sarif_fix(file: File) -> dict[str, Any]:
    from pathlib import Path

    made = file.offer
    changes = []
    for draft in made.files:
        old = made.original.sql if draft.path == made.original.path else ""
        region = {"charOffset": 0, "charLength": len(old)}
        where = str(Path(file.shown).with_name(draft.path.name))
        changes.append(
            {
                "artifactLocation": {"uri": where},
                "replacements": [{"deletedRegion": region, "insertedContent": {"text": draft.text}}],
            }
        )
    return {
        "description": {"text": made.verdict.reason if made.verdict else ""},
        "artifactChanges": changes,
    }
