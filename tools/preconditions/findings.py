"""Answers as findings of the check: violated is confirmed, satisfied is refuted, the rest is unknown with its query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..hazards.registry import by_id
from ..records import Evidence, Finding, Proof, Severity
from .model import Answer, State

# Findings about rows that nobody had looked at; once the target has been, they are no question any more.
OF_ROWS = {
    "rows": ("adding-required-column", "adding-unique-column-with-default"),
}
ANY_OF_ROWS = ("failing-on-data",)


def findings(
    answers: Sequence[Answer], *, start: int = 1, severity: Mapping[str, str] | None = None
) -> tuple[tuple[Finding, ...], tuple[Evidence, ...]]:
    """(the findings, their evidence) of answers; evidence ids P-0001 ... from `start` on. No value of a row is in them.
    severity: the project's word on rules."""
    found: list[Finding] = []
    kept: list[Evidence] = []
    for answer in answers:
        mark = ""
        if answer.state is not State.UNKNOWN:
            mark = f"P-{start + len(kept):04}"
            kept.append(_evidence(answer, mark))
        one = _finding(answer, mark)
        said = (severity or {}).get(one.rule)
        if said != "off":
            found.append(replace(one, severity=Severity(said)) if said else one)
    return tuple(found), tuple(kept)


def settled(found: Iterable[Finding], answers: Sequence[Answer]) -> tuple[Finding, ...]:
    """The findings that were a question of the rows, confirmed where the target's rows break what is asked."""
    bad: dict[tuple[str, int | None], set[str]] = {}
    for answer in answers:
        if answer.refuses:
            asked = answer.asked
            bad.setdefault((asked.path, asked.statement), set()).update((*OF_ROWS.get(asked.kind, ()), *ANY_OF_ROWS))
    return tuple(
        replace(f, proof=Proof.CONFIRMED) if f.rule in bad.get((f.path, f.statement), ()) else f for f in found
    )


def _finding(answer: Answer, mark: str) -> Finding:
    asked = answer.asked
    known = answer.state is not State.UNKNOWN
    rule = by_id()[
        "unasked-precondition" if not known else "losing-values" if asked.information else "violated-precondition"
    ]
    severity = rule.severity
    if known and asked.kind == "cut" and answer.state is State.VIOLATED:
        severity = Severity.WARNING  # values change and nothing says so
    if not known:
        why = f"Not known: whether {_lower(asked.holds)}; {answer.reason}."
        fix = f"Ask yourself, on a replica: {asked.sql}" if asked.sql else "Look at those rows before this is applied."
    elif answer.state is State.SATISFIED:
        why, fix = f"On the target {_lower(asked.holds)}.", ""
    elif asked.information:
        why, fix = f"The target has {asked.broken}: {answer.number}.", asked.fix
    else:
        why = (
            f"The target has {asked.broken}: {answer.number}. The statement fails on them and the migration stops here."
        )
        fix = asked.fix
    proof = {State.UNKNOWN: Proof.UNKNOWN, State.SATISFIED: Proof.REFUTED, State.VIOLATED: Proof.CONFIRMED}
    return Finding(
        rule.id,
        severity,
        rule.title,
        why,
        fix,
        path=asked.path,
        line=asked.line,
        statement=asked.statement,
        objects=tuple(filter(None, (asked.relation, *asked.columns))),
        evidence=(mark,) if mark else (),
        proof=proof[answer.state],
    )


def _evidence(answer: Answer, mark: str) -> Evidence:
    asked = answer.asked
    return Evidence(
        mark,
        "precondition",
        answer.line,
        command=asked.sql,
        server="target",
        result={
            "kind": asked.kind,
            "state": answer.state.value,
            "count": None if asked.trial and answer.state is State.VIOLATED else answer.count,
            "at_least": answer.capped or (asked.trial and answer.state is State.VIOLATED),
        },
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
