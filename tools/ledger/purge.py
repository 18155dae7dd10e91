"""What migrations kept or set aside, deleted for good: on an approval of its own, bound to exactly these things.

Beside tools/ledger/apply.py the only code that changes a target. It takes an approval, not names: what goes is what
the approver signed, and only while each thing is still the one that it was then.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import AgentdbError, DatabaseError, RefusedError, UsageError
from ..databases.postgres import target_identity
from ..records import to_plain
from . import approvals, archive, audit, execute, gate, history, lock, prints, progress
from .approvals import Approval
from .archive import Kept
from .canonical import sha256
from .plan import Policy

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .apply import ApplyRequest

FORMAT = "agentdb-purge/1"
KIND = "purge"


@dataclass(frozen=True)
class PurgePlan:
    """What is to be deleted, to the object: the thing that a person approves. labels: the migrations that it was kept
    for. objects: each as `Kept.identity` gives it, in order. fingerprint: of the schema, as it is then."""

    system_identifier: str
    database: str
    environment: str
    fingerprint: str
    labels: tuple[str, ...]
    objects: tuple[Mapping[str, Any], ...]
    ledger: tuple[tuple[str, str, str], ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    kind: str = KIND

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON-plain data; its canonical form is what plan_sha256 is over."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return {"format": FORMAT, **plain}

    @cached_property
    def sha256(self) -> str:
        """plan_sha256: over everything in the plan."""
        return sha256(self.to_json())


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What was deleted, or would be."""

    plan_sha256: str
    environment: str
    database: str
    labels: tuple[str, ...]
    things: tuple[Kept, ...]
    size: int
    dry_run: bool = False


def build_plan(
    conn: Connection, labels: Sequence[str], *, environment: str, policy: Policy, fingerprint: str = ""
) -> tuple[PurgePlan, tuple[Kept, ...]]:
    """The plan for a target as it is now, and the things in it with their sizes.

    Errors: UsageError when nothing is kept for one of the migrations.
    """
    things = archive.kept(conn, labels)
    for label in labels:
        if not any(k.migration == label for k in things):
            raise UsageError(
                f"nothing is kept for {label} here", hint="`agentdb rollback purge` lists what lies in agentdb_archive."
            )
    identity = target_identity(conn)
    plan = PurgePlan(
        system_identifier=identity["system_identifier"],
        database=identity["database"],
        environment=environment,
        fingerprint=fingerprint or prints.measure(conn).fingerprint,
        labels=tuple(sorted(set(labels))),
        objects=tuple(k.identity() for k in things),
        ledger=tuple((m.version, m.name, m.sha256) for m in history.missing(conn)),
        policy=policy.to_json(environment),
    )
    return plan, things


def from_json(data: Mapping[str, Any]) -> PurgePlan:
    """The plan that `to_json` wrote. Errors: ValueError."""
    try:
        known = {f.name for f in fields(PurgePlan)}
        if data.get("format") != FORMAT or set(data) != known | {"format"}:
            raise ValueError("it is not a purge of a format that this agentdb knows")
        values = {k: data[k] for k in known}
        values["labels"] = tuple(str(x) for x in values["labels"])
        values["objects"] = tuple(dict(x) for x in values["objects"])
        values["ledger"] = tuple((str(v), str(n), str(s)) for v, n, s in values["ledger"])
        plan = PurgePlan(**values)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is not a purge: {error}") from None
    if plan.to_json() != dict(data) or plan.kind != KIND:
        raise ValueError("it is not spelled as agentdb spells a purge")
    return plan


def purge(request: ApplyRequest) -> PurgeResult:
    """The things of an approved purge deleted, in one transaction, once. Without an approval (an environment that
    needs none): what `request.labels` kept.

    Errors: RefusedError (nothing was deleted) with reason no-approval, bad-approval, bad-signature, unknown-signer,
    no-signers, rejected, wrong-kind, other-environment, not-yet-valid, expired, other-target, replayed, drifted,
    plan-mismatch, interrupted, locked, pooler, standby; DatabaseError when a statement failed: then nothing of it is
    done.
    """
    import psycopg

    told: dict[str, Any] = {"kind": KIND, "environment": request.environment}
    if request.approval:
        told |= {"plan_sha256": request.approval.plan_sha256, "nonce": request.approval.nonce}
    try:
        approved = gate.approved(request, KIND, from_json, AGAIN)
        with lock.hold(request.dsn, wait_seconds=request.limits.lock_wait_seconds, sleep=request.sleep) as conn:
            plan, things = _cleared(request, approved, conn)
            result = PurgeResult(
                plan.sha256,
                plan.environment,
                plan.database,
                plan.labels,
                things,
                sum(k.size or 0 for k in things),
                request.dry_run,
            )
            if request.dry_run:
                return result
            told |= {"plan_sha256": plan.sha256, "database": plan.database, "migrations": list(plan.labels)}
            _tell(request, "begun", told)
            request.checkpoint("cleared")
            _carry_out(request, plan, conn)
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
    with contextlib.suppress(UsageError):
        audit.record_locally(request.layout.state_dir, request.who, "ended", told, request.clock(), head=head)
    return result


AGAIN = "Look again: agentdb rollback purge. Then approve again: agentdb approve --purge."


def _cleared(request: ApplyRequest, approved: PurgePlan | None, conn: Connection) -> tuple[PurgePlan, tuple[Kept, ...]]:
    """The plan cleared for this target, now. `conn` holds the applier's lock and is read-only. Errors: RefusedError."""
    identity = target_identity(conn)
    if approved and request.approval:
        gate.check_target(request.approval, approved, identity, conn, "agentdb approve --purge")
        if gate.is_used(conn, request.approval):
            raise progress.replayed()
    rows = history.runs(conn)
    gate.check_environment(request, identity, rows)
    for attempt in rows:
        if attempt.left_something:
            raise RefusedError(
                f"{attempt.label} stopped after statement {attempt.statements_done}: its copies may be needed",
                reason="interrupted",
                hint="`agentdb status` says what is there. End it first.",
            )
    labels = approved.labels if approved else request.labels
    try:
        now, things = build_plan(conn, labels, environment=request.environment, policy=request.policy)
    except UsageError as error:
        if approved is None:
            raise
        raise RefusedError(error.what, reason="drifted", hint=AGAIN) from None
    if approved is not None and approved.sha256 != now.sha256:
        raise _differs(approved, now)
    return now, things


def _differs(approved: PurgePlan, now: PurgePlan) -> RefusedError:
    """The refusal that names the first part in which the two plans differ."""
    then = {str(o["name"]): o for o in approved.objects}
    here = {str(o["name"]): o for o in now.objects}
    for name in sorted({*then, *here}):
        if name not in here:
            return RefusedError(f"{name} is not there any more", reason="drifted", hint=AGAIN)
        if name not in then:
            return RefusedError(f"{name} was not there when the purge was approved", reason="drifted", hint=AGAIN)
        if then[name] != here[name]:
            return RefusedError(f"{name} is not the one that was approved", reason="drifted", hint=AGAIN)
    if approved.fingerprint != now.fingerprint:
        return RefusedError(
            "the schema is no longer what it was when the purge was approved", reason="drifted", hint=AGAIN
        )
    return RefusedError("the plan made now is not the plan that was approved", reason="plan-mismatch", hint=AGAIN)


def _carry_out(request: ApplyRequest, plan: PurgePlan, lock_conn: Connection) -> None:
    """The things deleted and the deed written down, in one transaction, tried again as a whole when it met a lock."""
    import psycopg

    pause = request.limits.retry_seconds
    most = max(request.limits.lock_attempts, 1)
    wait, sleep = request.limits.lock_wait_seconds, request.sleep
    with lock.work_session(request.dsn, wait_seconds=wait, sleep=sleep) as conn:
        lock.end_with_client(conn, True)
        for number in range(1, most + 1):
            try:
                with conn.transaction():
                    _once(request, plan, conn, lock_conn)
                return
            except psycopg.Error as error:
                if conn.closed or error.sqlstate not in execute.TRY_AGAIN or number == most:
                    raise
            request.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 10.0)


def _once(request: ApplyRequest, plan: PurgePlan, conn: Connection, lock_conn: Connection) -> None:
    from psycopg.types.json import Jsonb

    limits = (request.limits.lock_timeout, request.limits.statement_timeout)
    conn.execute(
        "SELECT pg_catalog.set_config('lock_timeout', %s, true), pg_catalog.set_config('statement_timeout', %s, true)",
        limits,
    )
    if not lock.still_held(lock_conn):
        raise lock.lost()
    history.install(conn)
    if request.approval:
        progress.use_approval(conn, request.approval, request.who)
    things = archive.kept(conn, plan.labels)
    if tuple(k.identity() for k in things) != plan.objects:
        raise RefusedError("what is kept changed this very moment", reason="drifted", hint=AGAIN)
    for statement in archive.removal(things):
        conn.execute(statement.encode(), binary=True)
    _forget(conn, plan.labels)
    nonce = request.approval.nonce if request.approval else None
    for label in plan.labels:
        gone = [k.identity() for k in things if k.migration == label]
        conn.execute(
            "INSERT INTO agentdb.purges (migration, objects, plan_sha256, approval_nonce, who) VALUES (%s, %s, %s, %s, %s)",
            (label, Jsonb(gone), plan.sha256, nonce, request.who),
        )
    detail = {"plan_sha256": plan.sha256, "migrations": list(plan.labels), "objects": [k.name for k in things]}
    audit.record(conn, request.who, "purged", detail)
    request.checkpoint("before-commit")


def _forget(conn: Connection, labels: Sequence[str]) -> None:
    """The records of what is gone go with it."""
    for name in ("conflicts", "captures", "set_aside"):
        row = conn.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (f"{archive.SCHEMA}.{name}",)).fetchone()
        if row and row[0]:
            conn.execute(f"DELETE FROM {archive.SCHEMA}.{name} WHERE migration = ANY (%s)".encode(), (list(labels),))


def _database_error(request: ApplyRequest, error: Exception) -> DatabaseError:
    """A driver's error as one line without secrets."""
    text = request.dsn.scrub(" ".join(str(error).split()))[:300]
    return DatabaseError(text, where=request.dsn.identity(), hint="Nothing was deleted.")


def _tell(request: ApplyRequest, event: str, detail: Mapping[str, Any]) -> None:
    audit.record_locally(request.layout.state_dir, request.who, event, detail, request.clock(), head="")


def _tell_if_possible(request: ApplyRequest, event: str, detail: Mapping[str, Any]) -> None:
    with contextlib.suppress(UsageError):
        _tell(request, event, detail)


def fitting(found: Sequence[Approval], plan: PurgePlan) -> Approval | None:
    """The approval that a person most likely means for this plan."""
    return approvals.fitting(
        found,
        plan_sha256=plan.sha256,
        kind=KIND,
        environment=plan.environment,
        system_identifier=plan.system_identifier,
        database=plan.database,
    )
