"""The Rollback Generator's work: draft the way back, prove it in the sandbox, write it beside the migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...tools import naming
from ...tools.records import Certificate, Migration, to_plain
from ...tools.sql.parse import parse
from ..context import Context
from ..state import Plain, State
from .step import migrations_of, relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


@step
def draft_and_prove(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes rollbacks, and timings; the scripts lie in migrations/rollback/ afterwards.

    A script that is there already is a person's work and is proven as it is.
    """
    context = runtime.context
    everything = migrations_of(state, context, earlier=True)
    ahead = len(everything) - len(state["migrations"])
    rehearsed = {m["label"]: m["ok"] for m in state["rehearsal"].get("migrations", ())}
    found: list[Plain] = []
    for number in range(ahead, len(everything)):
        migration = everything[number]
        if not rehearsed.get(migration.label):
            continue
        one = _one(context, everything[:number], migration)
        found.append(one)
        line = f"{migration.label}: {one['class']}{'' if one['proven'] else ', not proven'}"
        say(runtime, "rollback", line, n=number - ahead + 1, of=len(everything) - ahead, ok=one["proven"])
    return {"rollbacks": found}


def _one(context: Context, earlier: list[Migration], migration: Migration) -> Plain:
    raise NotImplementedError


def _plain(
    context: Context, migration: Migration, certificate: Certificate, sql: str, capture: str, kept: bool
) -> Plain:
    layout = context.layout
    return {
        "label": migration.label,
        "path": relative(context, layout.rollback / f"{migration.label}.sql") if sql else "",
        "capture_path": relative(context, layout.rollback / f"{migration.label}.capture.sql") if capture else "",
        "captures": bool(capture),
        "sha256": naming.checksum(sql) if sql else "",
        "class": certificate.klass.value,
        "proven": certificate.proven,
        "reason": certificate.reason,
        "losses": to_plain(certificate.losses),
        "differences": list(certificate.differences),
        "steps": [{k: v for k, v in s.items() if k != "ms"} for s in to_plain(certificate.steps)],
        "written_by": "a person" if kept else "agentdb",
        "sql": sql,
        "capture_sql": capture,
    }


_ = parse
