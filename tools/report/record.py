"""The report as one plain record: what programs read, and what every page is made from.

The same files, target and settings give the same bytes, whatever a model says and however long things take: times
and live numbers are not in it, and all that a model wrote is under "notes", last. What is timed anew by each run is for
a reader's screen (`with_times`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ... import __version__

SCHEMA_VERSION = 1


def facts_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a report that is settled before the verdict, and that files, schema and settings settle alone;
    the digest that a plan carries is over this. The target's health, which changes by itself, is not part of it."""
    about = run["run"]
    return {
        "schema_version": SCHEMA_VERSION,
        "agentdb": __version__,
        "name": about["name"],
        "project": about["project"],
        "target": about.get("target"),
        "migrations": run["migrations"],
        "findings": run["findings"],
        "moves": run["moves"],
        "sandbox": run["rehearsal"],
        "rollbacks": [{k: v for k, v in r.items() if k not in ("sql", "capture_sql")} for r in run["rollbacks"]],
        "documentation": {"changes": run["changes"], "files": run["documents"]},
        "evidence": [run["evidence"][key] for key in sorted(run["evidence"])],
    }


def build(run: Mapping[str, Any]) -> dict[str, Any]:
    """The whole record: the verdict first, then what it rests on, the notes last."""
    facts = facts_of(run)
    plan = run.get("plan") or {}
    head = {k: facts.pop(k) for k in ("schema_version", "agentdb", "name", "project", "target")}
    return {
        **head,
        "verdict": run["verdict"],
        "plan_sha256": plan.get("sha256", ""),
        **facts,
        "health": run["health"],
        "notes": run["notes"],
    }


def without_notes(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what a model may have a part in: equal for every model and none."""
    return {k: v for k, v in record.items() if k != "notes"}


def with_times(record: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """The record with how long locks would be held on the target ("locks"), for whoever looks at this run; not for a
    file, as the seconds differ from run to run."""
    return {**record, "locks": run.get("locks") or []}


def as_json(record: Mapping[str, Any]) -> str:
    """The record as text, keys in their order, ending with a line feed."""
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
