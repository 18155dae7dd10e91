"""The one function that changes a target, and its twin that takes a change back.

Nothing else in agentdb opens a session on a target that could write. Both take an approval, not SQL: what runs is
read from the project's files, and only when it is what the approver signed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from ...errors import AgentdbError, DatabaseError, RefusedError, UsageError, VerificationError
from ..databases.dsn import Dsn
from ..files import Layout
from . import audit, gate, lock, prints, rows
from .approvals import Approval
from .carry import Done, carry_out
from .execute import Limits
from .plan import Plan, Policy
from .prints import Prints

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..schema.model import Snapshot


def _now() -> datetime:
    return datetime.now(UTC)


def _nothing(point: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What is asked for: where the files are, which target, on whose approval.

    environment and policy come from the settings file, never from a graph's state. labels: without an approval (an
    environment that needs none), the migrations to carry out; () for all that are pending. resume: continue an
    interrupted run. under_way: what a person says of an interrupted statement of which the catalog tells nothing:
    "done" or "again". data_checks: the target's rows may be counted first, each question within data_timeout_ms.
    expected: the schema that the sandbox ended with, to name differences by. checkpoint is called
    at named points and does nothing; tests end the process there.
    """

    layout: Layout
    dsn: Dsn
    environment: str
    approval: Approval | None
    allowed_signers: Path
    who: str
    policy: Policy = field(default_factory=Policy)
    labels: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    resume: bool = False
    dry_run: bool = False
    under_way: str = ""
    data_checks: bool = False
    data_timeout_ms: int = 10_000
    expected_fingerprint: str = ""
    expected: Snapshot | None = None
    checkpoint: Callable[[str], None] = _nothing
    clock: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the target ended as it should. ok: None when there was nothing to compare with.
    differences: what differs, in words, as far as it can be told."""

    ok: bool | None
    expected: str
    actual: str
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What was done. done: in order, with what a resumed run had done before; notes: what a person should know."""

    kind: str
    plan_sha256: str
    environment: str
    database: str
    done: tuple[Done, ...]
    verification: Verification
    ledger_installed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dry_run: bool = False


def apply(request: ApplyRequest) -> ApplyResult:
    """The approved plan carried out on the target, once.

    Errors: RefusedError (nothing was changed) with reason no-approval, bad-approval, bad-signature, unknown-signer,
    no-signers, rejected, wrong-kind, other-environment, not-yet-valid, expired, changed-file, other-target, replayed,
    drifted, plan-mismatch, interrupted, unclear, locked, pooler, standby, precondition-violated; DatabaseError when a statement failed, which
    says what is left; VerificationError, carrying the result, when the schema afterwards is not the expected one.
    """
    return _through_the_gate(request, "apply")


def roll_back(request: ApplyRequest) -> ApplyResult:
    """The migrations of an approved rollback plan taken back, each by its rollback script.

    The same gate as `apply`; an approval of one is none for the other. Afterwards the schema must be what it was
    before each migration. Errors: as `apply`, and RefusedError not-applied, no-rollback.
    """
    return _through_the_gate(request, "rollback")


def _through_the_gate(request: ApplyRequest, kind: str) -> ApplyResult:
    told: dict[str, Any] = {"kind": kind, "environment": request.environment}
    if request.approval:
        told |= {"plan_sha256": request.approval.plan_sha256, "nonce": request.approval.nonce}
    try:
        plan = gate.before_target(request, kind)
        with lock.hold(request.dsn, wait_seconds=request.limits.lock_wait_seconds, sleep=request.sleep) as conn:
            cleared = gate.at_target(request, kind, plan, conn)
            of_rows = rows.refuse_violated(request, cleared)
            if request.dry_run:
                return dataclasses.replace(_would(cleared, kind), notes=of_rows)
            told |= {
                "plan_sha256": cleared.plan.sha256,
                "system_identifier": cleared.plan.system_identifier,
                "database": cleared.plan.database,
                "migrations": list(cleared.plan.labels),
            }
            # on a disk that takes no line, nothing is begun
            _tell(request, "begun", told)
            request.checkpoint("cleared")
            carried = carry_out(request, cleared, conn)
            result = _verified(request, cleared.plan, carried.done, carried, conn)
            head = audit.head(conn)
    except psycopg.Error as error:
        failure = _database_error(request, error)
        _tell_if_possible(request, "failed", told | {"error": failure.what})
        raise failure from None
    except RefusedError as refusal:
        _tell_if_possible(request, "refused", told | {"reason": refusal.reason})
        raise
    except AgentdbError as failure:
        _tell_if_possible(request, "failed", told | {"error": failure.what})
        raise
    notes = [*of_rows, *result.notes]
    try:
        _tell(request, "ended", told | {"verified": result.verification.ok}, head)
    except UsageError as error:
        notes.append(str(error))
    result = dataclasses.replace(result, notes=tuple(notes))
    if result.verification.ok is False:
        raise _not_verified(result)
    return result


def _tell(request: ApplyRequest, event: str, detail: Mapping[str, Any], head: str = "") -> None:
    audit.record_locally(request.layout.state_dir, request.who, event, detail, request.clock(), head=head)


def _tell_if_possible(request: ApplyRequest, event: str, detail: Mapping[str, Any]) -> None:
    with contextlib.suppress(UsageError):
        _tell(request, event, detail)


def _database_error(request: ApplyRequest, error: psycopg.Error) -> DatabaseError:
    """A driver's error on one of our own statements, as one line without secrets."""
    text = request.dsn.scrub(" ".join(str(error).split()))[:300]
    hint = "`agentdb status` says what happened and what to do."
    if error.sqlstate == "42501":
        hint = "This login needs rights on the schema agentdb, or CREATE on the database for the first apply."
    return DatabaseError(text, where=request.dsn.identity(), hint=hint)


def _would(cleared: gate.Cleared, kind: str) -> ApplyResult:
    """What an apply would do, with everything checked and nothing changed."""
    plan = cleared.plan
    would = tuple(
        Done(i.planned.label, i.row.id if i.row else 0, "would run", i.planned.statements, 0.0, 0)
        for i in cleared.items
    )
    unknown = Verification(None, plan.expected_fingerprint, cleared.before.fingerprint)
    return ApplyResult(kind, plan.sha256, plan.environment, plan.database, would, unknown, dry_run=True)


def _verified(request: ApplyRequest, plan: Plan, done: tuple[Done, ...], carried: Any, conn: Connection) -> ApplyResult:
    if plan.kind == "rollback":
        verification = _returned(plan.expected_fingerprint or request.expected_fingerprint, carried.after, done)
    else:
        verification = _arrived(request, plan, carried.after, conn)
    return ApplyResult(
        plan.kind,
        plan.sha256,
        plan.environment,
        plan.database,
        done,
        verification,
        carried.installed,
        carried.notes,
    )


def _arrived(request: ApplyRequest, plan: Plan, after: Prints, conn: Connection) -> Verification:
    """Whether the schema is the one that the sandbox ended with."""
    expected, actual = plan.expected_fingerprint, after.fingerprint
    if not expected:
        return Verification(None, "", actual)
    if expected == actual:
        return Verification(True, expected, actual)
    wanted = request.expected
    if wanted is None or prints.of(wanted).fingerprint != expected:
        return Verification(False, expected, actual, ("the schema's fingerprint is not the expected one",))
    from ..schema.diff import diff
    from ..schema.snapshot import read_snapshot

    lines = tuple(c.line for c in diff(wanted, read_snapshot(conn)))
    return Verification(False, expected, actual, lines or ("only the order of columns differs",))


def _returned(expected: str, after: Prints, done: tuple[Done, ...]) -> Verification:
    """Whether the schema is what the sandbox ended with, where the rollback was proven on the target's schema of now
    (expected is not ""); else what it was before the last migration that was taken back."""
    if expected:
        same = expected == after.fingerprint
        differs = () if same else ("the schema is not the one that the sandbox ended with",)
        return Verification(same, expected, after.fingerprint, differs)
    last = done[-1] if done else None
    if last is None or last.before is None:
        return Verification(None, "", after.fingerprint)
    if last.out_of_order:
        return Verification(
            None, "", after.fingerprint, ("later migrations stay, so there is no earlier state to compare",)
        )
    if last.before.fingerprint == after.fingerprint:
        return Verification(True, last.before.fingerprint, after.fingerprint)
    if last.before.shape == after.shape:
        return Verification(
            True, last.before.fingerprint, after.fingerprint, ("columns stand in another order than before",)
        )
    return Verification(
        False, last.before.fingerprint, after.fingerprint, ("the schema is not what it was before the migration",)
    )


def _not_verified(result: ApplyResult) -> VerificationError:
    done = "rolled back" if result.kind == "rollback" else "applied"
    error = VerificationError(
        f"{', '.join(d.label for d in result.done)} {done}, but the schema is not as expected: "
        + "; ".join(result.verification.differences[:3]),
        where=result.database,
        hint="`agentdb drift` shows every difference; `agentdb approve --rollback` and `agentdb rollback run` take it back.",
    )
    error.result = result
    return error
