"""A rehearsal as files: the curve as SVG, the figures as Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..records import to_plain
from .advice import shown
from .drawing import svg
from .rehearsal import Rehearsed
from .sessions import PACE
from .trial import Trial

SCHEMA_VERSION = 1
COLUMNS = (
    "lock_timeout",
    "got through",
    "tries",
    "longest SELECT",
    "95 of 100 under",
    "over 100 ms",
    "most waiting",
    "lock held",
)


def write(found: Rehearsed, folder: Path, source: str, target: str = "NAME") -> tuple[Path, ...]:
    """The paths of the report's files, written into the folder. target: whose settings to change. Errors: OSError."""
    stem = f"rehearsal-{found.migration.label}"
    folder.mkdir(parents=True, exist_ok=True)
    picture, page, data = (folder / f"{stem}.{end}" for end in ("svg", "md", "json"))
    written = [page, data]
    if found.trials:
        picture.write_text(svg(found.migration.label, found.trials), encoding="utf-8")
        written.insert(0, picture)
    page.write_text(markdown(found, source, picture.name, target), encoding="utf-8")
    data.write_text(json.dumps(plain(found, source), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return tuple(written)


def headline(found: Rehearsed) -> str:
    """What came of it, in one line."""
    advice, trial = found.advice, found.recommended
    if found.plain is None or advice is None:
        return "locks no table that was there against readers or writers: nobody waits"
    if trial is None:
        return f"a SELECT waits at most {shown(found.plain.reads.longest)}; {advice.lines[0]}"
    if trial is found.configured and advice.met:
        return f"fine as configured: a SELECT waits at most {shown(trial.reads.longest)}"
    fell = f", {advice.factor:.0f} times less" if advice.factor and advice.factor >= 1.5 else ""
    return (
        f"without lock_timeout a SELECT waits {shown(found.plain.reads.longest)} behind the migration;"
        f" with {trial.limits.lock_timeout} and retries {shown(trial.reads.longest)}{fell}"
    )


def row(trial: Trial) -> tuple[str, ...]:
    """A trial's cells, in the order of COLUMNS."""
    limits = trial.limits
    way = "none" if trial.name == "plain" else limits.lock_timeout
    return (
        way + (", as configured" if trial.name == "as configured" else ""),
        f"after {shown(trial.seconds)}" if trial.ok else f"no: {trial.error}",
        f"{trial.attempts} of {limits.lock_attempts}",
        shown(trial.reads.longest),
        shown(trial.reads.p95),
        f"{trial.reads.long + trial.writes.long} of {trial.reads.count + trial.writes.count}",
        str(trial.peak),
        shown(trial.held) if trial.held else "under 25 ms",
    )


def settings(found: Rehearsed, target: str) -> list[str]:
    """The lines for agentdb.toml that the advice comes to; nothing when there is nothing to set."""
    trial = found.recommended
    if trial is None or trial is found.configured:
        return []
    return [
        f"[targets.{target}]",
        f'lock_timeout = "{trial.limits.lock_timeout}"',
        f"lock_retries = {trial.limits.lock_attempts - 1}",
    ]


def method(found: Rehearsed) -> list[str]:
    """How it was done, and what it does not say."""
    wishes = found.wishes
    rows = ", ".join(f"{count:,} in {table}" for table, count in found.rows.items())
    rate = wishes.sessions / PACE
    traffic = f"{wishes.sessions} sessions, at most {rate:.0f} statements a second, made from the catalog"
    reader = f"A reader stays idle in its transaction with ACCESS SHARE on {', '.join(found.tables)}"
    return [
        f"The traffic is synthetic: {traffic} ({', '.join(found.operations)}); synthetic rows: {rows}.",
        "It is not your application's: long statements of its own make a short lock_timeout fail more often.",
        f"{reader} for {shown(wishes.hold)} after the migration begins.",
        "A statement that kept its session from sending further ones counts for those too.",
        f"Measured on {found.run.server}; times are the sandbox's, not production's.",
    ]


def failures(found: Rehearsed) -> list[str]:
    """What the traffic met besides waiting: statements that failed once the migration was through."""
    states: dict[str, int] = {}
    for trial in found.trials:
        for state, count in trial.failures.items():
            states[state] = max(states.get(state, 0), count)
    told = ", ".join(f"{state} ({count} times)" for state, count in sorted(states.items()))
    return [f"Statements of the traffic failed in at least one way: {told}."] if told else []


def markdown(found: Rehearsed, source: str, picture: str, target: str) -> str:
    """The page for people."""
    lines = [f"# Rehearsal of {found.migration.label}", "", _sentence(headline(found)), ""]
    if found.trials:
        lines += [f"![Sessions waiting for a lock, moment by moment]({picture})", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row(t)) + " |" for t in found.trials]
        lines += [""]
    if found.advice is not None:
        lines += ["## What to set", "", *(f"- {line}" for line in found.advice.lines), ""]
        if toml := settings(found, target):
            lines += ["```toml", *toml, "```", ""]
    if found.trials:
        lines += ["## How it was measured", "", f"- Before: {source}.", *(f"- {line}" for line in method(found))]
        lines += [f"- {line}" for line in failures(found)]
    return "\n".join(lines).rstrip() + "\n"


def plain(found: Rehearsed, source: str) -> dict[str, Any]:
    """The rehearsal as JSON-plain data. Seconds everywhere; curve: [seconds since the beginning, sessions waiting]."""
    advice = found.advice
    return {
        "schema_version": SCHEMA_VERSION,
        "migration": found.migration.label,
        "sha256": found.migration.sha256,
        "headline": headline(found),
        "synthetic": True,
        "server": found.run.server,
        "before": source,
        "tables": list(found.tables),
        "rows": found.rows,
        "operations": list(found.operations),
        "hold": found.wishes.hold,
        "goal": found.wishes.goal,
        "sessions": found.wishes.sessions,
        "trials": [trial_plain(t) for t in found.trials],
        "advice": None if advice is None else {**to_plain(advice), "limits": _limits(found)},
        "notes": [*method(found), *failures(found)] if found.trials else [],
    }


def trial_plain(trial: Trial) -> dict[str, Any]:
    """One trial as JSON-plain data."""
    made: dict[str, Any] = to_plain(trial)
    del made["looks"], made["limits"]
    return made | {
        "lock_timeout": trial.limits.lock_timeout,
        "attempts_allowed": trial.limits.lock_attempts,
        "stampede": trial.stampede,
        "peak": trial.peak,
        "behind": max((look.behind for look in trial.looks), default=0),
        "queued_looks": sum(look.queue for look in trial.looks),
        "longest_lock_wait_seen": max((look.longest for look in trial.looks), default=0.0),
        "curve": [[round(look.at, 3), look.waiting] for look in trial.looks],
    }


def _limits(found: Rehearsed) -> dict[str, Any] | None:
    limits = found.advice.limits if found.advice else None
    if limits is None:
        return None
    return {
        "lock_timeout": limits.lock_timeout,
        "attempts": limits.lock_attempts,
        "first_pause_seconds": limits.retry_seconds,
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
