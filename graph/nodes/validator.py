"""The Migration Validator's work: read every file, rehearse them in order, and let what was measured correct the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...tools.records import Migration, to_plain
from ...tools.sql.parse import Script, parse
from ..context import Context
from ..state import Plain, State
from .step import migrations_of, relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from ...tools.hazards.context import Context as Surroundings
    from ...tools.records import Finding
    from ...tools.sandbox.runs import SandboxRun
    from ...tools.schema.model import Snapshot


@step
def read(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes static under one file's path: what rules say of the file alone. The Send that starts this node names it."""
    from ...tools.hazards.run import check

    context = runtime.context
    path = str(state.get("path"))
    migration = next(m for m in migrations_of(state, context) if relative(context, m.path) == path)
    script = parse(migration.sql)
    found = check(script, path=path, context=surroundings(context, migration, script))
    return {"static": {path: [to_plain(f) for f in found]}}


@step
def rehearse(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes rehearsal, evidence and timings: each migration run on what the one before it left."""
    context = runtime.context
    chosen = migrations_of(state, context)
    if not chosen:
        return {}
    everything = migrations_of(state, context, earlier=True)
    ahead = len(everything) - len(chosen)
    bench = context.workbench
    say(runtime, "sandbox", "rebuilding the schema as it is before", ok=None)
    bench.stage(())
    results: list[Plain] = []
    measured: dict[str, Plain] = {}
    timings: dict[str, float] = {}
    failure = ""
    for number, migration in enumerate(everything, 1):
        if failure:
            if number > ahead:
                results.append(_untried(migration))
            continue
        stage = bench.stage(everything[:number])
        run = stage.run
        assert run is not None
        timings[migration.label] = round(run.seconds, 3)
        if not run.ok:
            failure = f"{migration.label}: {run.error}" if number <= ahead else _failure(migration, run, context)
        if number > ahead:
            evidence = _evidence(run, len(measured) + 1)
            measured |= evidence
            results.append(_result(migration, run, stage.snapshot, list(evidence)))
            line = f"{migration.label}: " + (f"{len(run.statements)} ok" if run.ok else f"failed: {run.error}")
            say(runtime, "sandbox", line, n=number - ahead, of=len(chosen), ok=run.ok)
    source, notes = _origin(context)
    unknown = "; ".join(dict.fromkeys(r["unknown"] for r in results if r["unknown"]))
    rehearsal: Plain = {
        "ok": not failure,
        "error": failure,
        "unknown": unknown,
        "server": bench.server.version_text,
        "source": source,
        "notes": notes,
        "migrations": results,
    }
    return {"rehearsal": rehearsal, "evidence": measured, "timings": timings}


@step
def weigh(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes hazards: the findings with the schema and the sandbox run taken into account."""
    from ...tools.hazards.run import check, reconcile

    context = runtime.context
    everything = migrations_of(state, context, earlier=True)
    chosen = migrations_of(state, context)
    ahead = len(everything) - len(chosen)
    tried = {m["label"] for m in state["rehearsal"].get("migrations", ()) if m["ok"] is not None}
    rows = _rows_of_target(context)
    found: list[Plain] = []
    for number, migration in enumerate(everything):
        if number < ahead:
            continue
        path = relative(context, migration.path)
        if migration.label not in tried:
            found += state["static"].get(path, [])
            continue
        before, after = context.workbench.stage(everything[:number]), context.workbench.stage(everything[: number + 1])
        script = parse(migration.sql)
        told = check(script, path=path, context=surroundings(context, migration, script, before.snapshot, rows))
        assert after.run is not None
        cited = next(m["evidence"] for m in state["rehearsal"]["migrations"] if m["label"] == migration.label)
        mine = [state["evidence"][key] for key in cited]
        settled = reconcile(told, after.run, _records(mine))
        found += [to_plain(_placed(f, path)) for f in settled]
    worst = [f for f in found if f["severity"] == "error" and f["proof"] != "REFUTED"]
    say(runtime, "validate", f"{len(found)} findings, {len(worst)} errors" if found else "no findings", ok=not worst)
    return {"hazards": found}


def surroundings(
    context: Context,
    migration: Migration,
    script: Script,
    before: Snapshot | None = None,
    rows: Mapping[str, int] | None = None,
) -> Surroundings:
    """What the rules are told about the world around a file."""
    from ...tools.hazards.context import Context as Surroundings

    settings = context.settings.hazards
    alone = bool(script.statements) and all(p.statement.transactional is False for p in script.statements)
    return Surroundings(
        pg_version=settings.pg_version or 18,
        in_transaction=not (migration.no_transaction or alone),
        before=before,
        table_rows=rows or {},
        lock_timeout_set=True,  # tools/ledger sets one for every session that applies
        severity=dict(settings.severity),
        today=context.clock().date(),
    )


def _rows_of_target(context: Context) -> Mapping[str, int]:
    """How many rows the target's tables have, as its statistics say; nothing without a target."""
    if context.target is None:
        return {}
    from ...tools.databases.queries import load

    with context.target.connect() as connection:
        found = connection.execute(load("postgres", "estimated_rows").encode()).fetchall()
    return {str(name): int(rows) for name, rows in found}


def _failure(migration: Migration, run: SandboxRun, context: Context) -> str:
    """What failed and where; the run names file and line itself when a statement failed."""
    path = relative(context, migration.path)
    return run.error if path in run.error else f"{path}: {run.error}"


def _result(migration: Migration, run: SandboxRun, after: Snapshot, evidence: list[str]) -> Plain:
    from ...tools.sandbox.fitting import DEPENDS
    from ...tools.schema.fingerprint import fingerprint

    return {
        "label": migration.label,
        "ok": run.ok,
        "statements": len(run.statements),
        "error": run.error,
        "line": run.line,
        "unknown": run.unknown,
        "notes": [n for n in run.notes if not n.startswith(DEPENDS)],
        "of_rows": next((n for n in run.notes if n.startswith(DEPENDS)), ""),
        "fingerprint": fingerprint(after) if run.ok else "",
        "evidence": evidence,
    }


def _untried(migration: Migration) -> Plain:
    return {
        "label": migration.label,
        "ok": None,
        "statements": 0,
        "error": "not tried, since one before it failed",
        "line": 0,
        "unknown": "",
        "notes": [],
        "of_rows": "",
        "fingerprint": "",
        "evidence": [],
    }


def _origin(context: Context) -> tuple[str, list[str]]:
    before = context.workbench.before
    if before is None:
        return "", []
    missing = [f"the sandbox lacks extension {name}" for name in before.missing_extensions]
    return before.source, [*before.notes, *missing]


def _evidence(run: SandboxRun, start: int) -> dict[str, Plain]:
    """The run's evidence by id, without how long anything took."""
    from ...tools.sandbox.runs import evidence

    return {e.id: to_plain(e) for e in evidence(run, start, timed=False)}


def _records(evidence: list[Plain]) -> tuple[Any, ...]:
    from ...tools.records import Evidence

    return tuple(Evidence(**e) for e in evidence)


def _placed(finding: Finding, path: str) -> Finding:
    import dataclasses

    return finding if finding.path else dataclasses.replace(finding, path=path)
