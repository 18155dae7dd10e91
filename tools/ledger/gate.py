"""The gate: everything that must hold before a single change reaches a target. It only reads.

The graph's own approval step is a courtesy; this is the guarantee. Whatever called, with whatever in its state, the
files are read again, the plan is made again, the signature, the time, the target, its state and the approval's use
are checked again, and any doubt is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ...errors import RefusedError
from ..databases.postgres import target_identity
from ..records import Migration
from ..schema.snapshot import read_snapshot
from . import approvals, copying, history, prints, scripts, seen
from . import plan as plans
from .approvals import Approval
from .history import HistoryRow
from .plan import Plan, PlannedMigration
from .prints import Prints
from .progress import replayed
from .scripts import Work

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .apply import ApplyRequest

AGAIN = "Look at what changed, then approve again: agentdb approve."


@dataclass(frozen=True, slots=True)
class Item:
    """One migration to carry out: its steps, those that keep rows first, the script's text, and the open attempt that
    is continued (None for a new one). undone: the attempt that a rollback takes back."""

    planned: PlannedMigration
    migration: Migration
    work: Work
    capture: Work | None
    sql: str
    row: HistoryRow | None = None
    undone: HistoryRow | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What the gate let through. first_use: the approval is to be used now, not continued. stale: attempts of
    sessions that are gone and left nothing."""

    plan: Plan
    approval: Approval | None
    first_use: bool
    items: tuple[Item, ...]
    finished: tuple[HistoryRow, ...]
    stale: tuple[HistoryRow, ...]
    before: Prints


def before_target(request: ApplyRequest, kind: str) -> Plan | None:
    """The approved plan, when the approval holds by itself and the files on disk are those it names; None when this
    environment needs no approval and none was given. Nothing is sent to the target yet.

    Errors: RefusedError, see `approved`; changed-file.
    """
    plan = approved(request, kind, plans.from_json, AGAIN)
    for planned in plan.migrations if plan else ():
        _check_files(request, kind, planned)
    return plan


class Bound(Protocol):
    """What an approval is about, whatever kind of plan it is."""

    @property
    def kind(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def system_identifier(self) -> str: ...
    @property
    def database(self) -> str: ...


APlan = TypeVar("APlan", bound=Bound)


def approved(request: ApplyRequest, kind: str, read: Callable[[Mapping[str, Any]], APlan], again: str) -> APlan | None:
    """The plan in the request's approval, when that is signed, holds now, is of this kind, and names the plan's own
    target; None when this environment needs no approval and none was given.

    read: makes the plan (ValueError when it cannot), refusing one of another kind. again: the hint of a refusal.
    Errors: RefusedError, see approvals.verify; no-approval, bad-approval, plan-mismatch.
    """
    approval = request.approval
    if approval is None:
        if request.policy.needs_approval(request.environment):
            raise approvals.no_approval()
        return None
    approvals.verify(
        approval,
        kind=kind,
        environment=request.environment,
        allowed_signers=request.allowed_signers,
        now=request.clock(),
    )
    try:
        plan = read(approval.plan)
    except ValueError as error:
        raise RefusedError(f"the approval's plan cannot be read: {error}", reason="bad-approval", hint=again) from None
    payload = approval.payload
    said = (payload["kind"], payload["environment"], payload["system_identifier"], payload["database"])
    if said != (plan.kind, plan.environment, plan.system_identifier, plan.database):
        raise RefusedError("the approval contradicts its own plan", reason="plan-mismatch", hint=again)
    return plan


def check_target(approval: Approval, plan: Bound, identity: Mapping[str, str], conn: Connection, command: str) -> None:
    """Refuse a target that the approved plan does not name, and an approval that has run out by the target's clock.

    identity: of the target, see plan.target_identity. command: approves for the right one. Errors: RefusedError
    other-target, expired.
    """
    if (identity["system_identifier"], identity["database"]) != (plan.system_identifier, plan.database):
        raise RefusedError(
            f"the approval is for database {plan.database} of system {plan.system_identifier}; this is"
            f" {identity['database']} of {identity['system_identifier']}",
            reason="other-target",
            hint=f"Approve for this target: {command} --target NAME.",
        )
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    approvals.check_time(approval, row[0])  # this machine's clock may be wrong, or set back


def at_target(request: ApplyRequest, kind: str, plan: Plan | None, conn: Connection) -> Cleared:
    """The plan cleared for this target, now. `conn` holds the applier's lock and is read-only.

    Errors: RefusedError expired, other-target, other-environment, replayed, interrupted, changed-file, drifted,
    plan-mismatch, unclear.
    """
    approval = request.approval
    rows = history.runs(conn)
    identity = target_identity(conn)
    if plan and approval:
        check_target(approval, plan, identity, conn, "agentdb approve")
    check_environment(request, identity, rows)
    used = approval is not None and is_used(conn, approval)
    if used and approval and plan:
        if not request.resume:
            raise replayed()
        return _continue(request, kind, plan, approval, conn, rows)
    current = prints.measure(conn)
    now = _plan_now(request, kind, plan, conn, current)
    if plan is not None:
        _compare(plan, now)
    _check_interrupted(request, now, rows)
    items = tuple(_item(request, now, planned, rows) for planned in now.migrations)
    copying.refuse_large(conn, items, request.limits.max_copy)
    return Cleared(now, approval, approval is not None, items, (), _stale(rows), current)


def drifted(what: str = "the schema is no longer what it was when the plan was approved") -> RefusedError:
    """The refusal of a target whose schema is not the approved one."""
    return RefusedError(what, reason="drifted", hint=f"`agentdb drift` shows what differs. {AGAIN}")


def _check_files(request: ApplyRequest, kind: str, planned: PlannedMigration) -> None:
    """Every file of a migration is the approved one, to the character."""
    migration = plans.find(request.layout, planned.label)
    now = plans.sums(plans.texts_of(migration, kind))
    if now["exact_sha256"] == planned.exact_sha256:
        return
    parts = (("rollback script", "rollback_sha256"), ("capture script", "capture_sha256"), ("file", "sha256"))
    word = next((w for w, key in parts if now[key] != getattr(planned, key)), "spacing")
    raise RefusedError(
        f"the {word} of {planned.label} is not the one that was approved",
        reason="changed-file",
        where=str(migration.path),
        hint=AGAIN,
    )


def check_environment(request: ApplyRequest, identity: Mapping[str, str], rows: tuple[HistoryRow, ...]) -> None:
    """A database that was once served as production does not become a playground by a line in a settings file.
    A copy of it (another system or name) may."""
    known = [
        r.environment
        for r in rows
        if (r.system_identifier, r.database) == (identity["system_identifier"], identity["database"])
    ]
    if known and known[-1] != request.environment:
        raise RefusedError(
            f"this database's ledger says that it is {known[-1]}, the settings say {request.environment}",
            reason="other-environment",
            hint="Correct the target's environment in agentdb.toml.",
        )


def is_used(conn: Connection, approval: Approval) -> bool:
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.approvals') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return False
    found = conn.execute("SELECT 1 FROM agentdb.approvals WHERE nonce = %s", (approval.nonce,)).fetchone()
    return found is not None


def _plan_now(request: ApplyRequest, kind: str, plan: Plan | None, conn: Connection, current: Prints) -> Plan:
    """The plan made again from the files and the target as they are; what only the approver knew is taken over."""
    labels = plan.labels if plan else request.labels
    chosen = [plans.find(request.layout, label) for label in labels] if labels else None
    return plans.build_plan(
        request.layout,
        chosen,
        conn,
        environment=request.environment,
        policy=request.policy,
        kind=kind,
        certificates={m.label: m.certificate for m in plan.migrations} if plan else None,
        expected_fingerprint=plan.expected_fingerprint if plan else request.expected_fingerprint,
        evidence_sha256=plan.evidence_sha256 if plan else "",
        fingerprint=current.fingerprint,
    )


def _compare(approved: Plan, now: Plan) -> None:
    """Nothing when the two plans are one. Errors: RefusedError that names the first part that differs."""
    if approved.sha256 == now.sha256:
        return
    for then, here in zip(approved.migrations, now.migrations, strict=True):
        if (then.sha256, then.exact_sha256) != (here.sha256, here.exact_sha256):
            raise RefusedError(f"{then.label} was changed", reason="changed-file", hint=AGAIN)
        if (then.resume_from, then.history_id) != (here.resume_from, here.history_id):
            raise RefusedError(f"{then.label} has run, or run on, since", reason="replayed", hint=AGAIN)
    if approved.fingerprint != now.fingerprint:
        raise drifted()
    raise RefusedError("the plan made now is not the plan that was approved", reason="plan-mismatch", hint=AGAIN)


def _check_interrupted(request: ApplyRequest, plan: Plan, rows: tuple[HistoryRow, ...]) -> None:
    for row in rows:
        if not row.left_something:
            continue
        ours = any(row.number == m.number for m in plan.migrations)
        if ours and (request.resume or (plan.kind == "rollback" and row.kind == "apply")):
            continue
        word = "the rollback of " if row.kind == "rollback" else ""
        raise RefusedError(
            f"{word}{row.label} stopped after statement {row.statements_done} of {row.statement_count}",
            reason="interrupted",
            hint="`agentdb status` says what is there. Continue with --resume, or roll it back, before anything else.",
        )


def _stale(rows: tuple[HistoryRow, ...]) -> tuple[HistoryRow, ...]:
    return tuple(r for r in rows if r.status == "running" and not r.left_something)


def _item(request: ApplyRequest, plan: Plan, planned: PlannedMigration, rows: tuple[HistoryRow, ...]) -> Item:
    migration = plans.find(request.layout, planned.label)
    texts = plans.texts_of(migration, plan.kind)
    if plans.sums(texts)["exact_sha256"] != planned.exact_sha256:  # read once more: these characters will run
        raise RefusedError(f"{planned.label} was changed this very moment", reason="changed-file", hint=AGAIN)
    row = next((r for r in rows if r.left_something and r.kind == plan.kind and r.number == planned.number), None)
    if plan.kind == "rollback":
        undone = next((r for r in rows if r.id == planned.history_id), None)
        return Item(
            planned, migration, plans.rollback_work(migration, texts.rollback), None, texts.rollback, row, undone
        )
    capture = scripts.capture_of(texts.capture, str(migration.capture_path)) if texts.capture else None
    return Item(planned, migration, scripts.work_of(migration), capture, texts.up, row)


def _continue(
    request: ApplyRequest, kind: str, plan: Plan, approval: Approval, conn: Connection, rows: tuple[HistoryRow, ...]
) -> Cleared:
    """What is left of a run that this same approval began and something interrupted."""
    ours = [r for r in rows if r.approval_nonce == approval.nonce and r.kind == kind]
    ended = "rolled_back" if kind == "rollback" else "applied"
    finished = {r.number: r for r in ours if r.status == ended}
    left = [m for m in plan.migrations if m.number not in finished]
    if history.missing(conn) or any(r.plan_sha256 != plan.sha256 for r in ours):
        raise RefusedError("the ledger knows this approval for another plan", reason="plan-mismatch", hint=AGAIN)
    if kind == "apply" and any(r.status == "rolled_back" for r in ours):
        raise replayed()  # it was carried out and taken back: doing it again is another decision
    taken = history.applied(rows)
    for planned in left if kind == "apply" else ():
        if planned.number in taken:
            raise RefusedError(f"{planned.label} was applied by another plan", reason="replayed", hint=AGAIN)
    for planned in plan.migrations:
        _check_files(request, plan.kind, planned)
    snapshot = read_snapshot(conn)
    current = prints.of(snapshot)
    items = tuple(_item(request, plan, planned, rows) for planned in left)
    copying.refuse_large(conn, items, request.limits.max_copy)
    if left:
        half = next((i.row for i in items if i.row), None)
        last = max(finished.values(), key=lambda r: r.id, default=None)
        _check_interrupted(request, plan, rows)
        _check_continues(conn, snapshot, half, last, plan)
    stale = tuple(r for r in _stale(rows))
    return Cleared(plan, approval, False, items, tuple(finished.values()), stale, current)


def _check_continues(
    conn: Connection, snapshot: Any, half: HistoryRow | None, last: HistoryRow | None, plan: Plan
) -> None:
    """The schema is what the interrupted run left, give or take what its last statement may have done.
    Errors: RefusedError("drifted"); a fresh approval, made on the schema as it is, always gets further."""
    if half is not None and half.statements_done:
        expected = half.fingerprint_after
    elif half is not None:
        expected = half.fingerprint_before
    else:
        expected = last.fingerprint_after if last else plan.fingerprint
    if not expected:
        raise drifted("the run was interrupted before it had noted the schema that it left")
    states = [prints.of(snapshot).fingerprint]
    if half is not None and half.under_way:
        found = seen.look_at_text(conn, str(half.under_way.get("text", "")))
        for schema, name in found.indexes:
            snapshot = prints.without_index(snapshot, schema, name)
        states.append(prints.of(snapshot).fingerprint)
    if expected not in states:
        raise drifted("the schema is not what the interrupted run left")
