"""The Migration Validator's work: read every file, rehearse them in order, and let what was measured correct the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...tools.records import Migration, to_plain
from ...tools.sql import grammar
from ...tools.sql.parse import parse
from ..context import Context
from ..state import Plain, State
from . import holds
from .step import migrations_of, relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from ...tools.hazards.context import Context as Surroundings
    from ...tools.sandbox.runs import SandboxRun
    from ...tools.schema.model import Snapshot


@step
def read(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes static under one file's path: what rules say of the file alone. The Send that starts this node names it."""
    from ...tools.hazards.run import check

    context = runtime.context
    path = str(state.get("path"))
    migration = next(m for m in migrations_of(state, context) if relative(context, m.path) == path)
    around = replace(surroundings(context), in_transaction=not migration.no_transaction)
    found = check(parse(migration.sql), path=path, context=around)
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
    """Writes hazards (and evidence of the target's rows, where they may be counted): the findings with the schema, what
    the migrations before made, and the sandbox run considered. Writes locks: how long they would be held there."""
    from ...tools.hazards.reconcile import reconcile
    from ...tools.hazards.run import Session

    context = runtime.context
    everything = migrations_of(state, context, earlier=True)
    ahead = len(everything) - len(state["migrations"])
    results = {m["label"]: m for m in state["rehearsal"].get("migrations", ()) if m["ok"] is not None}
    around = replace(
        surroundings(context),
        before=context.workbench.stage(()).snapshot,
        table_rows=_rows_of_target(context),
    )
    session = Session(around)
    found: list[Plain] = []
    held: list[Plain] = []
    for number, migration in enumerate(everything):
        path = relative(context, migration.path)
        exempt = frozenset(name for name, table in session.catalog.tables.items() if table.new)
        script = parse(migration.sql)
        told = session.check(script, path=path, in_transaction=not migration.no_transaction)
        if number < ahead:
            continue
        if migration.label not in results:
            found += [to_plain(f) for f in told]
            continue
        stage = context.workbench.stage(everything[: number + 1])
        assert stage.run is not None
        evidence = [state["evidence"][key] for key in results[migration.label]["evidence"]]
        settled = reconcile(
            told, stage.run, _records(evidence), path=path, context=around, script=script, exempt=exempt
        )
        weighed, locks = holds.reckoned(settled, migration, stage, around, context)
        held += locks
        found += [to_plain(f) for f in weighed]
    if line := holds.longest(held):
        say(runtime, "locks", line)
    found, counted = _rows_asked(found, everything, ahead, context)
    broken, prepared = _queries_asked(everything, ahead, context, runtime)
    found += broken
    worst = [f for f in found if f["severity"] == "error" and f["proof"] != "REFUTED" and not f["ignored"]]
    say(runtime, "validate", f"{len(found)} findings, {len(worst)} errors" if found else "no findings", ok=not worst)
    return {"hazards": found, "evidence": counted | prepared, "locks": held}


def _rows_asked(
    found: list[Plain], everything: Sequence[Migration], ahead: int, context: Context
) -> tuple[list[Plain], dict[str, Plain]]:
    """The findings with what the target's rows say, and the evidence by id; unchanged where rows may not be counted.
    The first `ahead` migrations come before those that are looked at."""
    target = context.target
    if target is None or not target.settings.data_checks:
        return found, {}
    from ...tools.durations import seconds
    from ...tools.preconditions.ask import look
    from ...tools.preconditions.derive import Part
    from ...tools.preconditions.findings import findings, settled
    from ...tools.records import Finding, Proof, Severity

    parts = [
        Part(relative(context, m.path), parse(m.sql).statements, asked=number >= ahead)
        for number, m in enumerate(everything)
    ]
    timeout = int(seconds(target.settings.data_timeout) * 1000)
    with target.connect() as connection:
        answers = look(connection, parts, timeout_ms=timeout)
    said, evidence = findings(answers, severity=context.settings.hazards.severity)
    records = [
        Finding(
            **{
                **f,
                "objects": tuple(f["objects"]),
                "evidence": tuple(f["evidence"]),
                "severity": Severity(f["severity"]),
                "proof": Proof(f["proof"]),
            }
        )
        for f in found
    ]
    kept = {e.id: to_plain(replace(e, command=grammar.without_constants(e.command))) for e in evidence}
    return [to_plain(f) for f in (*settled(records, answers), *said)], kept


def _queries_asked(
    everything: Sequence[Migration], ahead: int, context: Context, runtime: Runtime[Context]
) -> tuple[list[Plain], dict[str, Plain]]:
    """Findings, and evidence by id, of what the rollout does to the application's queries, as far as they are known, and
    to functions and views. That they cannot be looked at is told, and stops nothing."""
    import psycopg

    from ...errors import AgentdbError
    from ...tools.appcompat.corpus import gather
    from ...tools.appcompat.findings import findings
    from ...tools.appcompat.model import Corpus
    from ...tools.appcompat.rollout import Script, look, takes_away

    settings = context.settings
    folder = settings.root / settings.hazards.queries if settings.hazards.queries else None
    try:
        corpus, problem = gather(folder, context.target.dsn if context.target else None, root=settings.root)
        if problem:
            say(runtime, "queries", problem, ok=None)
        scripts = [Script(relative(context, m.path), m.sql, m.label, m.no_transaction) for m in everything[ahead:]]
        if corpus is None and not takes_away(scripts):
            return [], {}
        bench = context.workbench
        with bench.server.clone(bench.stage(everything[:ahead]).database) as before:
            seen = look(before, scripts, corpus or Corpus())
    except (AgentdbError, psycopg.Error) as error:
        say(runtime, "queries", f"the application's queries were not looked at: {error}", ok=None)
        return [], {}
    if corpus is not None:
        say(runtime, "queries", seen.line, ok=None)
    made, evidence = findings(seen, severity=settings.hazards.severity)
    kept = {e.id: to_plain(replace(e, command=grammar.without_constants(e.command))) for e in evidence}
    return [to_plain(f) for f in made], kept


def surroundings(context: Context) -> Surroundings:
    """What the rules are told about the world around the files: tools/ledger sets a lock timeout, opens one
    transaction for each file, and runs what may not stand in one by itself."""
    from ...tools.hazards.context import Context as Surroundings

    settings = context.settings.hazards
    return Surroundings(
        pg_version=settings.pg_version or 18,
        in_transaction=True,
        lock_timeout_set=True,
        splits=True,
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
    """The run's evidence by id: without how long anything took, which differs from run to run, and without the
    constants of its statements, which may be rows."""
    from ...tools.sandbox.runs import evidence

    made = evidence(run, start, timed=False)
    return {e.id: to_plain(replace(e, command=grammar.without_constants(e.command))) for e in made}


def _records(evidence: list[Plain]) -> tuple[Any, ...]:
    from ...tools.records import Evidence

    return tuple(Evidence(**e) for e in evidence)
