"""The Rollback Specialist's work: draft the way back, prove it in the sandbox, write it beside the migration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...tools import files, naming
from ...tools.records import Certificate, Migration, to_plain
from ..context import Context
from ..state import Plain, State
from .step import migrations_of, relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

WRITTEN = "rollbacks.json"  # in the state folder: checksum of each script as agentdb wrote it, by path


@dataclass(frozen=True, slots=True)
class WayBack:
    """A rollback as it lies on disk now, and what was proven of it. model_draft: what a model was asked, if it was."""

    certificate: Certificate
    text: str
    capture: str
    by: str
    model_draft: Plain = field(default_factory=dict)


@step
def draft_and_prove(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes rollbacks and evidence; the scripts lie in migrations/rollback/ afterwards.

    A script that a person wrote or changed is proven as it is and never overwritten.
    """
    context = runtime.context
    everything = migrations_of(state, context, earlier=True)
    ahead = len(everything) - len(state["migrations"])
    rehearsed = {m["label"]: m["ok"] for m in state["rehearsal"].get("migrations", ())}
    found: list[Plain] = []
    measured: dict[str, Plain] = {}
    for number in range(ahead, len(everything)):
        migration = everything[number]
        if not rehearsed.get(migration.label):
            continue
        way = _way_back(context, everything[:number], migration)
        id = f"E-{len(state['evidence']) + len(measured) + 1:04d}"
        measured[id] = _evidence(id, migration, way.certificate)
        found.append(_plain(context, migration, way, id))
        line = f"{migration.label}: {way.certificate.line}"
        say(runtime, "rollback", line, n=number - ahead + 1, of=len(everything) - ahead, ok=way.certificate.proven)
    return {"rollbacks": found, "evidence": measured}


def _way_back(context: Context, earlier: list[Migration], migration: Migration) -> WayBack:
    """The rollback of a migration: proven as it is when a person wrote it, else drafted, proven and written.

    A model is asked for one that cannot be proven when `model.draft_rollbacks` says so; what the proof took from it
    earlier stays.
    """
    from ...agents.rollback_draft import last_resort
    from ...tools.rollback.offer import wanted, worse
    from ...tools.rollback.proof import prove
    from ...tools.rollback.rehearse import rehearse

    bench = context.workbench
    server, before = bench.server, bench.proving_ground([*earlier, migration])
    there = files.read_text(migration.rollback_path) if migration.rollback_path else ""
    kept = files.read_text(migration.capture_path) if migration.capture_path else ""
    if not there or _looks_ours(there, migration):
        made = rehearse(server, before, migration)
        same = (there, kept) == (made.text, made.capture_text)
        ours = same or not there or _as_we_wrote_it(context, migration, there, kept)
        if ours and there and not same and wanted(made):
            found = prove(server, before, migration, there, kept)
            if not worse(made.certificate, found):
                return WayBack(found, there, kept, "a model")
        if ours:
            model = context.model if context.settings.model.draft_rollbacks else None
            last = last_resort(server, before, made, model)
            if not same or last.accepted:
                _write(context, migration, last.made.text, last.made.capture_text)
            by = "a model" if last.accepted else "agentdb"
            return WayBack(last.made.certificate, last.made.text, last.made.capture_text, by, last.record)
    return WayBack(prove(server, before, migration, there, kept), there, kept, "a person")


def _looks_ours(text: str, migration: Migration) -> bool:
    """Whether the script has the head that agentdb gives its drafts; it may have been changed below."""
    return text.startswith(f"-- Rollback of {migration.label}\n")


def _as_we_wrote_it(context: Context, migration: Migration, text: str, capture: str) -> bool:
    """Whether nobody touched the scripts since agentdb wrote them on this machine."""
    return _written(context).get(migration.label) == naming.checksum(text + capture)


def _write(context: Context, migration: Migration, text: str, capture: str) -> None:
    """Put the scripts beside the migration, and remember what was written. Errors: UsageError."""
    folder = context.layout.rollback
    files.write_whole(folder / f"{migration.label}.sql", text)
    kept = folder / f"{migration.label}.capture.sql"
    if capture:
        files.write_whole(kept, capture)
    elif migration.capture_path:
        kept.unlink(missing_ok=True)
    known = {**_written(context), migration.label: naming.checksum(text + capture)}
    files.write_whole(
        context.layout.state_dir / WRITTEN, json.dumps(known, indent=1, sort_keys=True) + "\n", mode=0o600
    )


def _written(context: Context) -> dict[str, str]:
    try:
        known = json.loads((context.layout.state_dir / WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _evidence(id: str, migration: Migration, certificate: Certificate) -> Plain:
    steps = "; ".join(f"{s['step']}: {s['detail']}" for s in certificate.steps)
    return {
        "id": id,
        "kind": "rollback-proof",
        "summary": f"{migration.label}: {steps or certificate.reason}",
        "command": "up, down, compare, up again; writes, down, compare",
        "server": certificate.server,
        "result": {"class": certificate.klass.value, "proven": certificate.proven},
    }


def _plain(context: Context, migration: Migration, way: WayBack, evidence: str) -> Plain:
    folder, certificate = context.layout.rollback, way.certificate
    return {
        "label": migration.label,
        "path": relative(context, folder / f"{migration.label}.sql") if way.text else "",
        "capture_path": relative(context, folder / f"{migration.label}.capture.sql") if way.capture else "",
        "captures": bool(way.capture),
        "sha256": naming.checksum(way.text) if way.text else "",
        "class": certificate.klass.value,
        "proven": certificate.proven,
        "reason": certificate.reason,
        "losses": to_plain(certificate.losses),
        "differences": list(certificate.differences),
        "evidence": [evidence],
        "written_by": way.by,
        "model_draft": way.model_draft,
        "sql": way.text,
        "capture_sql": way.capture,
    }
