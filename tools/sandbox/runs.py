"""What a run in the sandbox found out, statement by statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..records import Evidence

# Lock modes from weakest to strongest, and the operations that each keeps waiting.
# Source: manual, table 13.2 "Conflicting Lock Modes" and the statements listed above it.
MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
READS = ("SELECT",)
LOCKING_READS = ("SELECT FOR UPDATE",)
WRITES = ("INSERT", "UPDATE", "DELETE")
SCHEMA_CHANGES = ("OTHER DDL",)  # and VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY
# A write that has to look at another table's rows for a foreign key: a child's INSERT, a parent's DELETE.
KEY_WRITES = ("FOREIGN KEY WRITE",)
DIRECT = (*READS, *LOCKING_READS, *WRITES, *SCHEMA_CHANGES)
OPERATIONS = (*READS, *LOCKING_READS, *WRITES, *KEY_WRITES, *SCHEMA_CHANGES)
BLOCKED_BY = {
    "ACCESS SHARE": (),
    "ROW SHARE": (),
    "ROW EXCLUSIVE": (),
    "SHARE UPDATE EXCLUSIVE": SCHEMA_CHANGES,
    "SHARE": (*WRITES, *SCHEMA_CHANGES),
    "SHARE ROW EXCLUSIVE": (*WRITES, *SCHEMA_CHANGES),
    "EXCLUSIVE": (*LOCKING_READS, *WRITES, *SCHEMA_CHANGES),
    "ACCESS EXCLUSIVE": DIRECT,
}


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a statement took on a relation and did not hold before.

    relation: schema-qualified, as it was called before the transaction. mode: "ACCESS EXCLUSIVE" and so on.
    existed_before: the relation was there before the migration began, so an application may use it.
    kind: table, index, view, materialized view, sequence, partitioned table, ...
    """

    relation: str
    mode: str
    existed_before: bool
    kind: str = "table"

    @property
    def rank(self) -> int:
        return MODES.index(self.mode) if self.mode in MODES else 0


@dataclass(frozen=True, slots=True)
class Build:
    """An index that was built: "" as its name when the server did not tell it."""

    index: str
    table: str
    existed_before: bool


@dataclass(frozen=True, slots=True)
class StatementRun:
    """One statement as it ran.

    ms: without the time that the measuring took. locks: newly taken by this statement; on a statement that may not
    stand in a transaction, what was seen while it ran. held: the strongest lock on each relation that existed before,
    also those taken by earlier statements of the same transaction. rewrites, scans: tables that existed before the migration and
    were written anew, or read from end to end. written: (table, inserted, updated, deleted) per table. dropped: tables and
    materialized views that existed before the migration, by the statement that dropped them.
    rows: what the command tag says, None when it says nothing. blocks: what another session could not do while the
    statement's transaction was open, on tables that existed before; () is nothing, None is not known. blocked: the
    same per relation, as far as it is known. rows_locked: per table, rows from before that nobody else can change
    until the transaction ends (tables that are blocked as a whole, or too large to look at, are left out).
    skipped: why the statement was not run although the run went on ("" when it ran).
    """

    index: int
    kind: str
    text: str
    line: int
    ok: bool
    column: int = 1
    sqlstate: str = ""
    message: str = ""
    detail: str = ""
    hint: str = ""
    ms: float = 0.0
    locks: tuple[Lock, ...] = ()
    held: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    index_builds: tuple[Build, ...] = ()
    written: tuple[tuple[str, int, int, int], ...] = ()
    dropped: tuple[str, ...] = ()
    rows: int | None = None
    notices: tuple[str, ...] = ()
    blocks: tuple[str, ...] | None = None
    blocked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows_locked: Mapping[str, int] = field(default_factory=dict)
    in_transaction: bool = True
    skipped: str = ""

    @property
    def strongest(self) -> Lock | None:
        """The strongest lock on something that existed before, None when there is none."""
        return max((lock for lock in self.locks if lock.existed_before), key=lambda lock: lock.rank, default=None)


@dataclass(frozen=True, slots=True)
class SandboxRun:
    """A whole script as it ran: up to the first error, when there is one.

    error: "" or one line that names what failed. line: where in the file, 0 when it has no place there.
    unknown: "" or why success and failure say nothing of production (something was refused, or the sandbox lacks
    it). notes: what a reader should know besides. server: its version, in words. capture_ms: the capture script.
    """

    ok: bool
    statements: tuple[StatementRun, ...] = ()
    error: str = ""
    line: int = 0
    sqlstate: str = ""
    seconds: float = 0.0
    unknown: str = ""
    notes: tuple[str, ...] = ()
    server: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    capture_ms: float = 0.0


def evidence(run: SandboxRun, start: int = 1, *, timed: bool = True) -> tuple[Evidence, ...]:
    """One record per statement, with ids from E-<start> on: "E-0001".

    timed: with how long each took; without, the same script gives the same records every time.
    """
    return tuple(
        Evidence(
            id=f"E-{number:04d}",
            kind="sandbox-statement",
            summary=summary(statement, timed=timed),
            command=statement.text,
            server=run.server,
            result=_result(statement, run.settings, timed=timed),
        )
        for number, statement in enumerate(run.statements, start)
    )


def summary(run: StatementRun, *, timed: bool = True) -> str:
    """What the statement did, in one sentence without opinion."""
    if run.skipped:
        return f"line {run.line}, {run.kind}: not run ({run.skipped})"
    if not run.ok:
        return f"line {run.line}, {run.kind}: failed, {run.sqlstate} {run.message}".rstrip()
    parts = [f"line {run.line}, {run.kind}: {run.ms:.1f} ms" if timed else f"line {run.line}, {run.kind}: ok"]
    if lock := run.strongest:
        parts.append(f"{lock.mode} on {lock.relation}")
    if run.blocks:
        parts.append("blocks " + ", ".join(run.blocks))
    if run.rewrites:
        parts.append("rewrites " + ", ".join(run.rewrites))
    if run.scans:
        parts.append("scans " + ", ".join(run.scans))
    if built := [b.index or f"an index of {b.table}" for b in run.index_builds if b.existed_before]:
        parts.append("builds " + ", ".join(built))
    if run.dropped:
        parts.append("drops " + ", ".join(run.dropped))
    if run.rows is not None:
        parts.append(f"{run.rows} rows")
    parts += [f"{count} rows of {name} locked until the end" for name, count in run.rows_locked.items()]
    return "; ".join(parts)


def _result(run: StatementRun, settings: Mapping[str, str], *, timed: bool) -> dict[str, object]:
    from ..records import to_plain

    plain: dict[str, object] = to_plain(run)
    del plain["text"]
    if not timed:
        del plain["ms"]
    plain["settings"] = dict(settings)
    return plain
