"""The ledger's writing hand: every line that an apply or a rollback puts into agentdb.history and agentdb.approvals.

Only tools/ledger/apply.py and what it is made of call these, on a session that the gate has let through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import RefusedError
from .. import naming
from .approvals import Approval
from .history import HistoryRow
from .plan import Plan, PlannedMigration
from .prints import Prints

if TYPE_CHECKING:
    from ..databases.postgres import Connection


def use_approval(conn: Connection, approval: Approval, who: str) -> None:
    """The approval is used from now on. Errors: RefusedError("replayed") when it was before."""
    import psycopg
    from psycopg.types.json import Jsonb

    payload = approval.payload
    try:
        conn.execute(
            "INSERT INTO agentdb.approvals"
            " (nonce, plan_sha256, kind, approver, environment, created, expires, who, payload, plan, signature)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                payload["nonce"],
                payload["plan_sha256"],
                payload["kind"],
                payload["approver"],
                payload["environment"],
                approval.created_at,
                approval.expires_at,
                who,
                Jsonb(dict(payload)),
                Jsonb(dict(approval.plan)),
                approval.signature,
            ),
        )
    except psycopg.errors.UniqueViolation:
        raise replayed() from None


def replayed() -> RefusedError:
    """The refusal of an approval that was used before."""
    return RefusedError(
        "this approval was used already; an approval is good for one use",
        reason="replayed",
        hint="`agentdb status` shows what came of it. To continue an interrupted run: agentdb apply --resume.",
    )


def begin(
    conn: Connection,
    plan: Plan,
    planned: PlannedMigration,
    sql: str,
    prints: Prints,
    *,
    who: str,
    approval: Approval | None,
) -> int:
    """The id of a new attempt, under way from now on in this session.

    Errors: RefusedError("replayed") when an attempt is open or done already: the ledger's own unique index says so.
    """
    import psycopg

    columns: dict[str, Any] = {
        "kind": plan.kind,
        "number": planned.number,
        "version": planned.version,
        "name": planned.name,
        "checksum": planned.rollback_sha256 if plan.kind == "rollback" else planned.sha256,
        "checksum_version": naming.CHECKSUM_VERSION,
        "status": "running",
        "transactional": planned.transactional,
        "statement_count": planned.statements,
        "who": who,
        "approver": approval.approver if approval else "",
        "approval_nonce": approval.nonce if approval else None,
        "plan_sha256": plan.sha256,
        "environment": plan.environment,
        "system_identifier": plan.system_identifier,
        "database": plan.database,
        "rollback_sha256": planned.rollback_sha256,
        "capture_sha256": planned.capture_sha256,
        "fingerprint_before": prints.fingerprint,
        "shape_before": prints.shape,
        "undoes": planned.history_id if plan.kind == "rollback" else None,
        "sql": sql,
        "agentdb_version": __version__,
    }
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    try:
        row = conn.execute(
            f"INSERT INTO agentdb.history ({names}, backend_pid, backend_start)"
            f" VALUES ({marks}, pg_backend_pid(), {STARTED}) RETURNING id".encode(),
            tuple(columns.values()),
        ).fetchone()
    except psycopg.errors.UniqueViolation:
        raise RefusedError(
            f"{planned.label} is under way or done already",
            reason="replayed",
            hint="`agentdb status` shows what is true.",
        ) from None
    assert row is not None
    return int(row[0])


# When the session was opened; a login always sees this of its own session (manual, pg_stat_activity).
STARTED = "(SELECT backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid())"


def take_over(
    conn: Connection,
    row: HistoryRow,
    plan: Plan,
    planned: PlannedMigration,
    sql: str,
    *,
    who: str,
    approval: Approval | None,
) -> None:
    """An interrupted attempt is under way again, in this session, with the script as it is now."""
    conn.execute(
        "UPDATE agentdb.history SET status = 'running', dirty = false, finished = NULL, error = NULL,"
        f" backend_pid = pg_backend_pid(), backend_start = {STARTED},"
        " who = %s, approver = %s, approval_nonce = %s, plan_sha256 = %s, checksum = %s, checksum_version = %s,"
        " rollback_sha256 = %s, capture_sha256 = %s, statement_count = %s, sql = %s, agentdb_version = %s"
        " WHERE id = %s".encode(),
        (
            who,
            approval.approver if approval else row.approver,
            approval.nonce if approval else row.approval_nonce,
            plan.sha256,
            planned.rollback_sha256 if plan.kind == "rollback" else planned.sha256,
            naming.CHECKSUM_VERSION,
            planned.rollback_sha256,
            planned.capture_sha256,
            planned.statements,
            sql,
            __version__,
            row.id,
        ),
    )


def captured(conn: Connection, row_id: int) -> None:
    """The rows that the migration would destroy are kept."""
    conn.execute("UPDATE agentdb.history SET captured = true WHERE id = %s", (row_id,))


def started_outside(conn: Connection, row_id: int, index: int, kind: str, text: str) -> None:
    """A statement is about to run outside a transaction: a crash from here on leaves its outcome to the catalog."""
    from psycopg.types.json import Jsonb

    conn.execute(
        "UPDATE agentdb.history SET under_way = %s WHERE id = %s",
        (Jsonb({"index": index, "kind": kind, "text": text}), row_id),
    )


def nothing_under_way(conn: Connection, row_id: int) -> None:
    """The statement that failed left nothing that has to be cleaned up."""
    conn.execute("UPDATE agentdb.history SET under_way = NULL WHERE id = %s", (row_id,))


def done(conn: Connection, row_id: int, count: int, prefix: str) -> None:
    """`count` statements are done; the schema after them is not measured yet."""
    conn.execute(
        "UPDATE agentdb.history SET statements_done = %s, prefix_sha256 = %s, under_way = NULL,"
        " fingerprint_after = '', shape_after = '' WHERE id = %s",
        (count, prefix, row_id),
    )


def finish(conn: Connection, row_id: int, planned: PlannedMigration, kind: str, prefix: str) -> None:
    """The attempt is done; a rollback's attempt also turns the row that it takes back into rolled_back.

    Errors: RefusedError("overtaken") when the row is no longer this session's to finish.
    """
    found = conn.execute(
        "UPDATE agentdb.history SET status = %s, finished = clock_timestamp(), under_way = NULL,"
        " duration_ms = (EXTRACT(epoch FROM clock_timestamp() - started) * 1000)::bigint,"
        " statements_done = %s, prefix_sha256 = %s"
        " WHERE id = %s AND status = 'running' AND backend_pid = pg_backend_pid() RETURNING id",
        ("rolled_back" if kind == "rollback" else "applied", planned.statements, prefix, row_id),
    ).fetchall()
    if kind == "rollback" and found:
        found = conn.execute(
            "UPDATE agentdb.history SET status = 'rolled_back', dirty = false, under_way = NULL"
            " WHERE id = %s AND kind = 'apply' AND (status IN ('applied', 'running') OR dirty) RETURNING id",
            (planned.history_id,),
        ).fetchall()
    if not found:
        raise RefusedError(
            "the ledger says that this work is no longer this session's",
            reason="overtaken",
            hint="`agentdb status` shows what is true.",
        )


def measured(conn: Connection, row_id: int, prints: Prints) -> None:
    """What the schema is after the attempt."""
    conn.execute(
        "UPDATE agentdb.history SET fingerprint_after = %s, shape_after = %s WHERE id = %s",
        (prints.fingerprint, prints.shape, row_id),
    )


def failed(conn: Connection, row_id: int, error: Mapping[str, Any], *, dirty: bool) -> None:
    """The attempt failed. dirty: something of it may be left in the database."""
    from psycopg.types.json import Jsonb

    conn.execute(
        "UPDATE agentdb.history SET status = 'failed', dirty = %s, error = %s, finished = clock_timestamp(),"
        " duration_ms = (EXTRACT(epoch FROM clock_timestamp() - started) * 1000)::bigint"
        " WHERE id = %s AND status = 'running'",
        (dirty, Jsonb(dict(error)), row_id),
    )
