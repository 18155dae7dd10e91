"""What ran and how it stands, from the ledger, the files and the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..ledger import history, lock, plan, seen
from ..ledger.history import HistoryRow
from ..ledger.seen import Outcome, Seen
from ..ledger.status import MigrationStatus
from ..records import Migration
from .facts import Ran, Standing

if TYPE_CHECKING:
    from ..databases.postgres import Connection


def row_of(rows: Sequence[HistoryRow], migration: Migration) -> HistoryRow | None:
    """The attempt that a rollback would take back, else the last one of any kind; None when it never ran."""
    ours = [r for r in rows if r.kind == "apply" and r.number == migration.number]
    there = [r for r in ours if r.status == "applied" or r.left_something]
    found = there or ours
    return found[-1] if found else None


def standing_of(conn: Connection, rows: Sequence[HistoryRow], migration: Migration) -> Standing:
    """How the migration stands now."""
    open_rows = [r for r in rows if r.number == migration.number and r.status == "running"]
    workers = [h for h in lock.holders(conn) if h.is_worker] if open_rows else []
    if any(h.is_session_of(r) for h in workers for r in open_rows):
        return Standing.LIVE
    row = row_of(rows, migration)
    if row is None:
        return Standing.PENDING
    if row.status == "applied":
        return Standing.APPLIED
    if row.left_something:
        return Standing.HALF
    if row.status == "rolled_back":
        return Standing.BACK
    return Standing.NOTHING if row.status == "running" else Standing.PENDING


def ran(
    row: HistoryRow | None,
    migration: Migration,
    standing: Standing,
    told: Sequence[MigrationStatus],
    changed: list[str],
    undone: HistoryRow | None = None,
) -> Ran:
    """What the ledger says of it. told: what `agentdb status` says, for those that stopped half way. undone: the
    rollback that took it back; then when and by whom are that one's."""
    row = undone or row
    line, catalog = "", ()
    for one in told:
        if one.label == migration.label and standing in (Standing.HALF, Standing.LIVE, Standing.NOTHING):
            line, catalog = one.line, one.catalog  # type: ignore[assignment]
    if row is None:
        return Ran(migration.label, standing, "", "", "", None, 0, 0, 0, "", line, catalog)
    return Ran(
        migration.label,
        standing,
        instant(row.finished or row.started),
        row.who,
        row.approver,
        row.duration_ms / 1000 if row.duration_ms is not None else None,
        row.statements_done,
        row.statement_count,
        row.id,
        row.plan_sha256,
        line,
        catalog,
        tuple(changed),
    )


def changed_files(row: HistoryRow, migration: Migration) -> list[str]:
    """Which of the migration's files are not what they were when it ran, in words."""
    texts = plan.texts_of(migration)
    now = plan.sums(texts)
    found = []
    if now["sha256"] != row.checksum:
        found.append("the migration's file was edited since it ran")
    if row.status == "applied" and now["rollback_sha256"] != row.rollback_sha256:
        found.append(
            "the rollback script was written after it ran"
            if not row.rollback_sha256
            else "the rollback script was edited since it ran"
        )
    if now["capture_sha256"] != row.capture_sha256:
        found.append(
            "the capture script was written after it ran: nothing was kept with it"
            if not row.capture_sha256
            else "the capture script was edited since it ran"
        )
    return found


def as_it_ran(conn: Connection, row: HistoryRow, migration: Migration) -> Migration:
    """The migration with the text that ran, whatever its file says now."""
    import dataclasses

    sql = history.sql_of(conn, row)
    return dataclasses.replace(migration, sql=sql) if sql else migration


def under_way(conn: Connection, row: HistoryRow) -> tuple[Seen | None, str]:
    """What the catalog says of a half-applied migration's statement that was under way, and its text."""
    if not row.under_way:
        return None, ""
    text = str(row.under_way.get("text", ""))
    return seen.look_at_text(conn, text), text


def in_effect(row: HistoryRow, found: Seen | None) -> int:
    """How many statements of a half-applied migration have left something in the database."""
    more = found is not None and found.outcome in (Outcome.DONE, Outcome.HALF)
    return row.statements_done + (1 if more else 0)


def instant(moment: datetime) -> str:
    """2026-05-04T10:11:12Z"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
