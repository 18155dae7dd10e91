"""An append-only record of decisions and deeds: in the target, and in .agentdb/audit.jsonl on this machine.

Each entry seals itself and the hash of the one before it, so that changing, removing or inserting one breaks the chain.
Entries cut off at the end leave no mark in the chain itself; the local record names the target's last hash, and the
other way round a rewritten local file no longer leads to it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from .canonical import canonical, instant, sha256

if TYPE_CHECKING:
    from ..databases.postgres import Connection

FILE_NAME = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. seq counts from 1; at: `canonical.instant`; prev: the hash of the entry before, "" for the first."""

    seq: int
    at: str
    actor: str
    event: str
    detail: Mapping[str, Any]
    prev: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the record found: how many entries, the last hash, and every break, in words."""

    entries: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def seal(seq: int, at: str, actor: str, event: str, detail: Mapping[str, Any], prev: str) -> str:
    """The hash of an entry."""
    return sha256({"seq": seq, "at": at, "actor": actor, "event": event, "detail": detail, "prev": prev})


def record(conn: Connection, actor: str, event: str, detail: Mapping[str, Any]) -> str:
    """The hash of a new entry in the target, which takes part in the caller's transaction if there is one."""
    from psycopg.types.json import Jsonb

    with conn.transaction():
        # one writer at a time, also when two databases' ledgers were merged by hand
        conn.execute("LOCK TABLE agentdb.audit IN SHARE ROW EXCLUSIVE MODE")
        last = conn.execute("SELECT seq, sha256 FROM agentdb.audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, prev = (last[0] + 1, last[1]) if last else (1, "")
        row = conn.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        at = instant(row[0])
        sealed = seal(seq, at, actor, event, detail, prev)
        conn.execute(
            "INSERT INTO agentdb.audit (seq, at, actor, event, detail, prev, sha256) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (seq, row[0], actor, event, Jsonb(dict(detail)), prev, sealed),
        )
    return sealed


def entries(conn: Connection) -> tuple[Entry, ...]:
    """The target's entries in order; empty when there is no ledger."""
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.audit') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return ()
    found = conn.execute("SELECT seq, at, actor, event, detail, prev, sha256 FROM agentdb.audit ORDER BY seq")
    return tuple(Entry(r[0], instant(r[1]), *r[2:]) for r in found.fetchall())


def record_locally(
    state_dir: Path, actor: str, event: str, detail: Mapping[str, Any], now: datetime, *, head: str = ""
) -> str:
    """The hash of a new entry in .agentdb/audit.jsonl (mode 0600). head: the target's last hash, if there is one.
    Errors: UsageError when the file cannot be written."""
    path = state_dir / FILE_NAME
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with _locked(path) as descriptor:
            last = _last(path)
            seq, prev = (last.seq + 1, last.sha256) if last else (1, "")
            whole = {**detail, "target_head": head} if head else dict(detail)
            at = instant(now)
            sealed = seal(seq, at, actor, event, whole, prev)
            line = {
                "seq": seq,
                "at": at,
                "actor": actor,
                "event": event,
                "detail": whole,
                "prev": prev,
                "sha256": sealed,
            }
            torn = (
                bool(os.fstat(descriptor).st_size)
                and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n"
            )
            os.write(descriptor, (b"\n" if torn else b"") + canonical(line) + b"\n")
            return sealed
    except OSError as error:
        raise UsageError(
            f"the audit record cannot be written: {error.strerror}",
            where=str(path),
            hint="Check the folder's permissions and free space.",
        ) from None


def local_entries(state_dir: Path) -> tuple[Entry, ...]:
    """This machine's entries in order. A line that is not an entry becomes one that fails the check."""
    path = state_dir / FILE_NAME
    if not path.is_file():
        return ()
    return tuple(
        _entry(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
    )


def verify(found: Sequence[Entry]) -> AuditReport:
    """Whether the chain is whole: every entry sealed rightly, in order, and tied to the one before."""
    problems: list[str] = []
    prev = ""
    for place, entry in enumerate(found, start=1):
        if entry.seq != place:
            problems.append(f"entry {place} is numbered {entry.seq}: entries are missing or moved")
        if entry.prev != prev:
            problems.append(f"entry {entry.seq} does not follow the entry before it")
        if entry.sha256 != seal(entry.seq, entry.at, entry.actor, entry.event, entry.detail, entry.prev):
            problems.append(f"entry {entry.seq} was changed after it was written")
        prev = entry.sha256
    return AuditReport(len(found), prev, tuple(problems))


def verify_target(conn: Connection, state_dir: Path | None = None) -> AuditReport:
    """Whether the target's chain is whole, and holds what this machine's record saw of it.

    state_dir: where audit.jsonl is; entries there that name this database's last hash must be found in the target.
    """
    found = entries(conn)
    report = verify(found)
    if state_dir is None:
        return report
    row = conn.execute(
        "SELECT current_database(), (SELECT system_identifier::text FROM pg_control_system())"
    ).fetchone()
    assert row is not None
    known = {e.sha256 for e in found}
    lost = [
        f"this machine saw entry {str(e.detail['target_head'])[:12]} at {e.at}, which the target no longer has"
        for e in local_entries(state_dir)
        if e.detail.get("target_head")
        and (e.detail.get("database"), e.detail.get("system_identifier")) == (row[0], row[1])
        and e.detail["target_head"] not in known
    ]
    return AuditReport(report.entries, report.head, (*report.problems, *lost))


def head(conn: Connection) -> str:
    """The target's last hash, "" when there is none."""
    row = conn.execute("SELECT sha256 FROM agentdb.audit ORDER BY seq DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def _last(path: Path) -> Entry | None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return _entry(lines[-1]) if lines else None


def _entry(line: str) -> Entry:
    try:
        raw = json.loads(line)
        return Entry(
            int(raw["seq"]),
            str(raw["at"]),
            str(raw["actor"]),
            str(raw["event"]),
            dict(raw["detail"]),
            raw["prev"],
            raw["sha256"],
        )
    except (ValueError, KeyError, TypeError):
        return Entry(0, "", "", "unreadable", {}, "", "")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file open for appending by this process alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
