"""What a rollout does to the application, as findings of the check: one for each cause, with the queries that it meets."""

from __future__ import annotations

from collections.abc import Mapping

from ..hazards.registry import by_id
from ..records import Evidence, Finding, Proof, Severity
from .model import NEW_CODE, Change, Compatibility, Shape

SHOWN = 3


def findings(
    found: Compatibility, *, start: int = 1, severity: Mapping[str, str] | None = None
) -> tuple[tuple[Finding, ...], tuple[Evidence, ...]]:
    """(findings by cause, evidence by query, Q-0001 ... from `start` on). severity: the project's word on rules."""
    causes: dict[tuple[object, ...], list[Change]] = {}
    for change in found.changes:
        key = (change.rule, change.moment.path, change.line, change.what, change.until, change.proven)
        causes.setdefault(key, []).append(change)
    made: list[Finding] = []
    kept: list[Evidence] = []
    for changes in causes.values():
        said = (severity or {}).get(changes[0].rule)
        if said == "off":
            continue
        marks = []
        for change in changes:
            marks.append(f"Q-{start + len(kept):04}")
            kept.append(_evidence(change, marks[-1]))
        made.append(_finding(changes, tuple(marks), said))
    return tuple(made), tuple(kept)


def _finding(changes: list[Change], marks: tuple[str, ...], said: str | None) -> Finding:
    first = changes[0]
    rule = by_id()[first.rule]
    severity = Severity(said) if said else rule.severity
    if not said and not first.proven:
        severity = min(severity, Severity.WARNING, key=lambda s: s.rank)
    return Finding(
        rule.id,
        severity,
        rule.title,
        f"{_what(changes)} {_when(first)}".strip(),
        rule.fix,
        path=first.moment.path,
        line=first.line or first.moment.line,
        statement=first.moment.statement if first.statement is None else first.statement,
        objects=tuple(dict.fromkeys(c.subject for c in changes)),
        evidence=marks,
        proof=Proof.CONFIRMED if first.proven else Proof.UNKNOWN,
    )


def _what(changes: list[Change]) -> str:
    first, what = changes[0], changes[0].what
    subjects = list(dict.fromkeys(c.subject for c in changes))
    listed = ", ".join(subjects[:SHOWN]) + (f" and {len(subjects) - SHOWN} more" if len(subjects) > SHOWN else "")
    count = len(changes)
    queries = f"{count} quer{'y' if count == 1 else 'ies'} of the application ({listed})"
    one = count == 1
    state = f" [{first.sqlstate}]" if first.sqlstate else ""
    match first.rule:
        case "breaking-query":
            return f"{queries} {'is' if one else 'are'} refused: {what}{state}."
        case "breaking-prepared-statement":
            return f"Sessions that prepared {queries} before are refused after: {what}{state}."
        case "changing-query-result":
            return f"{queries} {'returns' if one else 'return'} something else: {what}."
        case "changing-query-parameter":
            return f"{queries} {'takes' if one else 'take'} other parameters: {what}."
        case "slowing-query":
            return (
                f"{queries} {'has' if one else 'have'} no index for {'its' if one else 'their'} rows any more: {what}."
            )
        case "failing-insert":
            how = "" if first.proven else " A trigger may fill it."
            return f"{queries} will fail when run: {what}{state}; told from the catalog, not run.{how}"
        case "breaking-function":
            how = "the server refuses its body" if first.proven else "read in its text, not run"
            return f"{listed} no longer works: {what}{state}; {how}."
        case "dropping-dependent-view":
            return f"{listed} goes with what it reads: {what}."
        case "needing-new-schema":
            return f"{queries} {'is' if one else 'are'} refused before this and taken after it: {what}{state}."
    return f"{queries}: {what}."


def _when(first: Change) -> str:
    if first.direction == NEW_CODE:
        return f"New code against the old schema: it fails until {first.moment.label} is applied, and again once that is rolled back."
    if first.rule == "dropping-dependent-view":
        return f"From {first.moment.label} on{f', until {first.until}' if first.until else ''}."
    if first.rule == "breaking-function":
        return f"From {first.moment.label} on, until {first.until or 'it is replaced'}."
    if first.rule == "breaking-prepared-statement":
        return f"Old code against the new schema: from {first.moment.label} on, until they prepare it anew."
    if first.until:
        return f"Old code against the new schema: from {first.moment.label} on, until {first.until}."
    return f"Old code against the new schema: from {first.moment.label} on, for as long as that code runs."


def _evidence(change: Change, mark: str) -> Evidence:
    return Evidence(
        mark,
        "query" if change.text else change.subject.partition(" ")[0],
        f"{change.subject}: {change.what}",
        command=change.text,
        server="sandbox",
        result={
            "rule": change.rule,
            "direction": change.direction,
            "moment": change.moment.label,
            "until": change.until,
            "sqlstate": change.sqlstate,
            "proven": change.proven,
            "before": _shape(change.before),
            "after": _shape(change.after),
        },
    )


def _shape(shape: Shape | None) -> dict[str, object] | None:
    if shape is None:
        return None
    if not shape.ok:
        return {"sqlstate": shape.sqlstate, "message": shape.message}
    return {"columns": [list(c) for c in shape.columns], "parameters": list(shape.parameters)}
