"""The way back of a migration in a branch: drafted, proven, compared with what the tree has, and written there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AgentdbError, UsageError
from .. import files, naming
from ..files import Layout
from ..records import Certificate, CertificateClass, Finding, Migration, Severity
from .gather import is_own
from .record import State, WayBack, kept

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

RANK = {c: n for n, c in enumerate(("IMPOSSIBLE", "LOSSY", "SCHEMA_ONLY", "LOSSLESS"))}


@dataclass(frozen=True, slots=True)
class Scripts:
    """A rollback with its certificate, and who wrote it."""

    certificate: Certificate
    text: str
    capture: str
    ours: bool

    @property
    def worth(self) -> tuple[int, bool]:
        """How much it holds: its class first, then whether that was proven."""
        return RANK[self.certificate.klass.value], self.certificate.proven


@dataclass(frozen=True, slots=True)
class Proven:
    """What came of it: the scripts that count, how the tree stands, and the proof's steps in words."""

    scripts: Scripts
    state: State
    steps: str


def way_back(
    server: SandboxServer,
    before: SandboxDatabase,
    layout: Layout,
    migration: Migration,
    *,
    write: bool,
    replaceable: bool,
) -> Proven:
    """The rollback of a migration. before: the state that it starts from, with rows.

    write: put a missing script into the tree. replaceable: a stale one too, since git has it as it is and nothing is
    lost. Errors: RollbackError when none can be drafted; SandboxError, DatabaseError; UsageError for a folder that
    cannot be written to.
    """
    from ..rollback.proof import prove
    from ..rollback.rehearse import rehearse

    there = files.read_text(migration.rollback_path) if migration.rollback_path else ""
    capture = files.read_text(migration.capture_path) if migration.capture_path else ""
    ours = not there or there.startswith(f"-- Rollback of {migration.label}\n")
    if not ours:
        return _done(Scripts(prove(server, before, migration, there, capture), there, capture, False), "kept")
    made = rehearse(server, before, migration)
    drafted = Scripts(made.certificate, made.text, made.capture_text, True)
    if (there, capture) == (drafted.text, drafted.capture):
        return _done(drafted, "current")
    state: State = "missing"
    if there:
        found = Scripts(prove(server, before, migration, there, capture), there, capture, True)
        if found.worth >= drafted.worth:
            return _done(found, "kept")
        state = "stale"
    if write and (not there or replaceable):
        _write(layout, migration, drafted.text, drafted.capture)
        return _done(drafted, "written")
    return _done(drafted, state)


def failed(error: AgentdbError) -> Proven:
    """What is told when no rollback could be drafted."""
    nothing = Certificate(CertificateClass.IMPOSSIBLE, False, error.what, "", "")
    return _done(Scripts(nothing, "", "", True), "missing")


def plain(proven: Proven, layout: Layout, top: Path, migration: Migration, evidence: str) -> WayBack:
    """The rollback as the record keeps it."""
    certificate, scripts = proven.scripts.certificate, proven.scripts
    folder = layout.rollback.relative_to(top).as_posix()
    return WayBack(
        klass=certificate.klass.value,
        proven=certificate.proven,
        reason=certificate.reason,
        state=proven.state,
        path=f"{folder}/{migration.label}.sql",
        capture_path=f"{folder}/{migration.label}.capture.sql" if scripts.capture else "",
        by="agentdb" if scripts.ours else "a person",
        sql=kept(scripts.text),
        capture_sql=kept(scripts.capture),
        sha256=naming.checksum(scripts.text) if scripts.text else "",
        losses=certificate.losses,
        differences=certificate.differences[:50],
        evidence=evidence,
    )


def missing(back: WayBack, path: str, *, strict: bool) -> Finding | None:
    """The finding about a tree without the rollback that holds, None when it has it. strict: it is an error."""
    if back.state not in ("missing", "stale") or not back.sql:
        return None
    word = "is stale: the script in the tree holds less than agentdb's draft" if back.state == "stale" else "is missing"
    return Finding(
        f"rollback-{back.state}",
        Severity.ERROR if strict else Severity.INFO,
        f"The rollback {word}.",
        "Nobody can go back with what the branch has." if back.state == "missing" else "Going back would do less.",
        "Run agentdb pr --base here and commit what it writes."
        if back.state == "missing"
        else f"Run agentdb rollback draft {path} --force, or delete {back.path}, and commit what is written.",
        path=path,
        line=1,
    )


def _done(scripts: Scripts, state: State) -> Proven:
    steps = "; ".join(f"{s['step']}: {s['detail']}" for s in scripts.certificate.steps)
    return Proven(replace(scripts), state, steps or scripts.certificate.reason)


def _write(layout: Layout, migration: Migration, text: str, capture: str) -> None:
    """Put the scripts into the tree. Errors: UsageError, also for a place that a symbolic link leads away from."""
    target, beside = (layout.rollback / f"{migration.label}{end}" for end in (".sql", ".capture.sql"))
    for place in (target, beside):
        if not is_own(layout, place):
            raise UsageError("a symbolic link is in the way; nothing was written", where=str(place), hint="Remove it.")
    files.write_whole(target, text)
    if capture:
        files.write_whole(beside, capture)
    elif beside.is_file():
        beside.unlink()
