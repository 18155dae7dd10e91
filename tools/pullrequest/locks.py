"""What a sandbox run says of locks and work, in the few words that a table has room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..sandbox.runs import READS, SCHEMA_CHANGES, WRITES, SandboxRun
from .record import Locked

HARMLESS = 3  # rank of SHARE UPDATE EXCLUSIVE: weaker modes keep no ordinary statement waiting
TABLES = ("table", "partitioned table", "materialized view", "view", "foreign table")


def locks_of(run: SandboxRun) -> tuple[Locked, ...]:
    """The strongest lock on each relation that was there before and that keeps others waiting, the worst first."""
    strongest: dict[str, tuple[int, str]] = {}
    blocked: dict[str, set[str]] = {}
    for statement in run.statements:
        for lock in (*statement.locks, *statement.held):
            if lock.existed_before and lock.kind in TABLES and lock.rank >= HARMLESS:
                strongest[lock.relation] = max(strongest.get(lock.relation, (0, "")), (lock.rank, lock.mode))
        for relation, operations in statement.blocked.items():
            blocked.setdefault(relation, set()).update(operations)
    ranked = sorted(strongest.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(Locked(_short(name), mode, waits(blocked.get(name, ()))) for name, (_, mode) in ranked)


def work_of(run: SandboxRun) -> tuple[str, ...]:
    """Tables written anew or read from end to end."""
    rewritten = dict.fromkeys(_short(t) for s in run.statements for t in s.rewrites)
    scanned = dict.fromkeys(_short(t) for s in run.statements for t in s.scans)
    return tuple([f"rewrites {t}" for t in rewritten] + [f"reads all of {t}" for t in scanned if t not in rewritten])


def waits(operations: Iterable[str]) -> str:
    """Who waits, in plain words; "" when that was not seen."""
    blocked: Sequence[str] = sorted(operations)
    if set(blocked) >= {*READS, *WRITES}:
        return "reads and writes wait"
    if set(blocked) >= set(READS):
        return "reads wait"
    if set(blocked) >= set(WRITES):
        return "writes wait"
    if not blocked:
        return ""
    return "only other DDL waits" if set(blocked) <= set(SCHEMA_CHANGES) else f"{', '.join(blocked)} wait"


def _short(name: str) -> str:
    return name.removeprefix("public.")
