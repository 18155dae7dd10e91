"""What a run knows: plain JSON values only, each key with the node that writes it.

No connection string, no model, no settings: those come by `context.Context` and are never stored. A key that is
missing was not reached; `intake` empties every key, so that a thread can be run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

Plain = dict[str, Any]

FORMAT = 1  # raised when a key changes its meaning, so that an older thread is run anew


def merged(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Plain:
    """Results of parallel nodes put together by key; None empties."""
    return {} if new is None else {**(old or {}), **new}


class Request(TypedDict, total=False):
    """What starts a run: paths relative to the project's root (none: all that is pending), whether applying is
    wanted, and the name of the run in files."""

    files: list[str]
    wants_apply: bool
    name: str


class State(TypedDict, total=False):
    """The state of a thread."""

    # start
    request: Request
    # intake: what is to be done, hashes of the files, the target by name, and what stopped it
    run: Plain
    migrations: list[Plain]
    statements: list[Plain]
    trouble: Plain
    # resolver
    conflicts: list[Plain]
    moves: list[str]
    # validator: static findings by path (one node per file), then the rehearsal and what it said of them
    static: Annotated[Plain, merged]
    rehearsal: Plain
    hazards: list[Plain]
    # validator and rollback, each its own share: what was measured, without times
    evidence: Annotated[Plain, merged]
    # how long things took, in seconds by name; in no report, since it differs from run to run
    timings: Annotated[Plain, merged]
    # validator: how long locks would be held on the target; in no written report either
    locks: list[Plain]
    # rollback
    rollbacks: list[Plain]
    # documenter
    changes: list[Plain]
    documents: list[str]
    # monitor
    health: Plain
    # judge: findings with their ids, the verdict, the plan that may be approved
    findings: list[Plain]
    verdict: Plain
    plan: Plain
    # narrate (one node per agent), check_notes
    drafts: Annotated[Plain, merged]
    notes: Plain
    # report: the record, and the files that it was written to
    report: Plain
    reports: list[str]
    # gate: the person's answer
    decision: Plain
    # apply, verify
    applied: Plain
    verified: Plain
    # offer_rollback, rollback_gate, roll_back, incident
    way_back: Plain
    back_decision: Plain
    rolled_back: Plain
    incident: Plain
    # never stored: what a Send tells one of several parallel nodes
    path: str
    agent: str


EMPTY: State = {
    "run": {},
    "migrations": [],
    "statements": [],
    "trouble": {},
    "conflicts": [],
    "moves": [],
    "static": None,  # type: ignore[typeddict-item]
    "rehearsal": {},
    "hazards": [],
    "evidence": None,  # type: ignore[typeddict-item]
    "timings": None,  # type: ignore[typeddict-item]
    "locks": [],
    "rollbacks": [],
    "changes": [],
    "documents": [],
    "health": {},
    "findings": [],
    "verdict": {},
    "plan": {},
    "drafts": None,  # type: ignore[typeddict-item]
    "notes": {},
    "report": {},
    "reports": [],
    "decision": {},
    "applied": {},
    "verified": {},
    "way_back": {},
    "back_decision": {},
    "rolled_back": {},
    "incident": {},
}
