"""How long the run's migrations would hold their locks on the target, from rates measured in the sandbox and the target's
sizes. The seconds differ from run to run, so they stand beside the findings and in no digest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import DatabaseError, SandboxError
from ...tools.records import Finding, Migration
from ...tools.report.locks import noteworthy
from ..context import Context
from ..state import Plain
from .step import relative

if TYPE_CHECKING:
    from ...tools.hazards.context import Context as Surroundings
    from ...tools.sandbox.timing import Hold, Work
    from ..workbench import Stage

ROWS = 20_000  # of each table in the larger run: a whole release is reckoned, not one file


def reckoned(
    findings: Sequence[Finding], migration: Migration, stage: Stage, around: Surroundings, context: Context
) -> tuple[Sequence[Finding], list[Plain]]:
    """(the findings, a warning about a lock held for long made an error; what is known of each lock and of each statement
    that works on rows without one). Neither without a target, or for a migration that does not run."""
    from ...tools.hazards.timed import timed
    from ...tools.sandbox.run import run_migration
    from ...tools.sandbox.timing import timing

    run, start = stage.run, stage.start
    if context.target is None or run is None or start is None or not run.ok:
        return findings, []
    about = {"label": migration.label, "path": relative(context, migration.path)}
    try:
        found = timing(
            context.workbench.server,
            start,
            lambda database: run_migration(database, migration, trace=False),
            run,
            context.target.dsn,
            alone=migration.no_transaction,
            most=ROWS,
        )
    except (SandboxError, DatabaseError) as error:
        why = f"How long locks are held on the target is UNKNOWN: {error}."
        return findings, [{**about, "line": 0, "relation": "", "mode": "", "seconds": None, "sentence": why}]
    told = timed(findings, found.holds, found.works, around)
    held = {hold.index for hold in found.holds}
    works = [w for w in found.works if w.tables and w.index not in held]
    told_of: list[Hold | Work] = [*found.holds, *works]
    entries: list[Plain] = [
        {
            **about,
            "line": one.line,
            "relation": getattr(one, "relation", ""),
            "mode": getattr(one, "mode", ""),
            "seconds": list(one.seconds) if one.seconds else None,
            "sentence": one.sentence,
        }
        for one in told_of
    ]
    raised = [replace(f, severity=t.severity) for f, t in zip(findings, told, strict=True)]
    return raised, sorted(entries, key=lambda e: (e["line"], e["relation"]))


def longest(entries: Sequence[Plain]) -> str:
    """One line of progress about the longest lock; one that is not known comes before all others. "" when every lock is
    short."""
    from ...tools.sandbox.timing.estimate import words

    worst = max(noteworthy(entries), key=lambda e: e["seconds"][1] if e["seconds"] else math.inf, default=None)
    if worst is None:
        return ""
    if worst["seconds"] is None:
        return f"{worst['label']}: {worst['sentence']}"
    what = f"holds {worst['mode']} on {worst['relation']}" if worst["relation"] else "works on rows"
    return f"longest on the target: {worst['label']} {what} for {words(tuple(worst['seconds']))}"
