"""A person's decision on one plan: signed, bound to target and environment, expiring, good for one use.

The file carries the plan itself, so that a refusal can say which part of it no longer holds. What is signed is the
payload, which holds the plan's hash.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from ...errors import RefusedError, UsageError
from .. import files
from . import signing
from .canonical import canonical, instant, moment, sha256, strict_json

PAYLOAD_FORMAT = "agentdb-approval/1"
FILE_FORMAT = "agentdb-approval-file/1"
KEY_NAME = "approval_key"
SIGNERS_NAME = "allowed_signers"
CLOCK_SKEW = timedelta(minutes=5)
FIELDS = (
    "format",
    "decision",
    "kind",
    "plan_sha256",
    "system_identifier",
    "database",
    "environment",
    "approver",
    "created",
    "expires",
    "nonce",
)


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person decided: payload (all of it signed), the plan it is about, and the armoured signature."""

    payload: Mapping[str, str]
    plan: Mapping[str, Any]
    signature: str

    @property
    def nonce(self) -> str:
        return self.payload["nonce"]

    @property
    def approver(self) -> str:
        return self.payload["approver"]

    @property
    def plan_sha256(self) -> str:
        return self.payload["plan_sha256"]

    @property
    def expires_at(self) -> datetime:
        return moment(self.payload["expires"])

    @property
    def created_at(self) -> datetime:
        return moment(self.payload["created"])


def create_local_key(state_dir: Path, principal: str) -> Path:
    """The path of a new signing key for one person alone, in the project's state folder: `approval_key` (Ed25519,
    mode 0600), and the `allowed_signers` file beside it that lets it sign as `principal`.

    The key has no passphrase: whoever can read the file can approve. Errors: UsageError.
    """
    name = principal.strip()
    if not signing.PRINCIPAL.fullmatch(name):
        raise UsageError(
            f"'{principal}' cannot be an approver's name", hint="Use an address or a login name, without blanks."
        )
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder: {error.strerror}", where=str(state_dir)) from None
    key = state_dir / KEY_NAME
    public = signing.create_key(key, name)
    kind, body = public.split()[:2]
    signers = state_dir / SIGNERS_NAME
    kept = signers.read_text(encoding="utf-8") if signers.is_file() else ""
    line = f'{name} namespaces="{signing.NAMESPACE}" {kind} {body}\n'
    files.write_whole(signers, kept + line, mode=0o600)
    return key


class Approvable(Protocol):
    """What can be approved: a plan to apply, to take back, or to purge."""

    @property
    def kind(self) -> str: ...
    @property
    def system_identifier(self) -> str: ...
    @property
    def database(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    def to_json(self) -> dict[str, Any]: ...


def sign(
    plan: Approvable,
    *,
    approver: str,
    key: Path,
    created: datetime,
    expires: datetime,
    approve: bool = True,
) -> Approval:
    """A signed decision on a plan. Only a command that a person calls may call this: no agent, node or tool does.

    Errors: UsageError when the key does not sign or the times make no sense.
    """
    if not signing.PRINCIPAL.fullmatch(approver):
        raise UsageError(f"'{approver}' cannot be an approver's name", hint="Use an address or a login name.")
    if expires <= created:
        raise UsageError("the approval would expire before it begins", hint="Give --expires a time such as 2h.")
    payload = {
        "format": PAYLOAD_FORMAT,
        "decision": "approve" if approve else "reject",
        "kind": plan.kind,
        "plan_sha256": plan.sha256,
        "system_identifier": plan.system_identifier,
        "database": plan.database,
        "environment": plan.environment,
        "approver": approver,
        "created": instant(created),
        "expires": instant(expires),
        "nonce": secrets.token_hex(16),
    }
    return Approval(payload, plan.to_json(), signing.signature(canonical(payload), key))


def verify(approval: Approval, *, kind: str, environment: str, allowed_signers: Path, now: datetime) -> None:
    """Nothing, when the approval says yes to its plan, for this kind of work and environment, now, by someone allowed.

    What only the target can tell (its identity, its state, whether the approval was used) is tools/ledger/gate.py's.
    Errors: RefusedError plan-mismatch, bad-signature, unknown-signer, rejected, wrong-kind, other-environment,
    not-yet-valid, expired.
    """
    payload = approval.payload
    signing.check(canonical(dict(payload)), approval.signature, payload["approver"], allowed_signers)
    if sha256(dict(approval.plan)) != payload["plan_sha256"]:
        raise RefusedError(
            "the plan in the approval is not the plan that was signed",
            reason="plan-mismatch",
            hint="Approve again: agentdb approve.",
        )
    if payload["decision"] != "approve":
        raise RefusedError(f"{payload['approver']} rejected this plan", reason="rejected", hint="Talk to them.")
    if payload["kind"] != kind:
        raise RefusedError(
            f"the approval is for {_work(payload['kind'])}, not for {_work(kind)}",
            reason="wrong-kind",
            hint="Approve what you want to run.",
        )
    if payload["environment"] != environment:
        raise RefusedError(
            f"the approval is for {payload['environment']}, this target is {environment}",
            reason="other-environment",
            hint="Approve for this target: agentdb approve --target NAME.",
        )
    check_time(approval, now)


def check_time(approval: Approval, now: datetime) -> None:
    """Nothing, when `now` lies within the approval's time. Errors: RefusedError expired or not-yet-valid."""
    if now >= approval.expires_at:
        raise RefusedError(
            f"the approval expired at {approval.payload['expires']}",
            reason="expired",
            hint="Approve again: agentdb approve.",
        )
    if approval.created_at - now > CLOCK_SKEW:
        raise RefusedError(
            f"the approval begins at {approval.payload['created']}, which is not yet",
            reason="not-yet-valid",
            hint="Check the clocks of both machines.",
        )


def path_for(state_dir: Path, plan_sha256: str) -> Path:
    """Where the approval of a plan is kept."""
    return state_dir / "approvals" / f"{plan_sha256}.json"


def write(approval: Approval, path: Path) -> Path:
    """The approval as a file, readable by its owner only. Errors: UsageError."""
    return files.write_whole(path, to_text(approval), mode=0o600)


def to_text(approval: Approval) -> str:
    """The approval as JSON; `from_text` reads it."""
    import json

    whole = {
        "format": FILE_FORMAT,
        "payload": dict(approval.payload),
        "plan": dict(approval.plan),
        "signature": approval.signature,
    }
    return json.dumps(whole, indent=2) + "\n"


def read(path: Path) -> Approval:
    """The approval in a file, not verified. Errors: RefusedError no-approval, bad-approval."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise no_approval(str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"cannot be read: {error}", reason="bad-approval", where=str(path)) from None
    return from_text(text, where=str(path))


def from_text(text: str, where: str = "approval") -> Approval:
    """The approval in a JSON text, not verified. Errors: RefusedError bad-approval."""
    try:
        whole = strict_json(text)
        if not isinstance(whole, dict) or set(whole) != {"format", "payload", "plan", "signature"}:
            raise ValueError("it has not the four parts of an approval")
        payload, plan = whole["payload"], whole["plan"]
        if whole["format"] != FILE_FORMAT or not isinstance(payload, dict) or not isinstance(plan, dict):
            raise ValueError("its format is not one that this agentdb knows")
        if set(payload) != set(FIELDS) or not all(isinstance(v, str) for v in payload.values()):
            raise ValueError("its payload has not the fields of an approval")
        if payload["format"] != PAYLOAD_FORMAT or payload["decision"] not in ("approve", "reject"):
            raise ValueError("its payload is not one that this agentdb knows")
        moment(payload["created"]), moment(payload["expires"])
        if not isinstance(whole["signature"], str) or len(payload["nonce"]) < 16:
            raise ValueError("signature or nonce is missing")
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"this is no approval: {error}", reason="bad-approval", where=where, hint="Approve again: agentdb approve."
        ) from None
    return Approval(payload, plan, whole["signature"])


def no_approval(where: str = "") -> RefusedError:
    """The refusal when there is no approval at all."""
    return RefusedError(
        "nobody has approved this plan", reason="no-approval", where=where, hint="Run: agentdb approve."
    )


def _work(kind: str) -> str:
    return {"rollback": "a rollback", "purge": "a purge"}.get(kind, "an apply")


def kept(state_dir: Path) -> tuple[Approval, ...]:
    """The approvals in the project's state folder, newest first; files that are none are left out."""
    found = []
    for path in (state_dir / "approvals").glob("*.json"):
        try:
            found.append(read(path))
        except RefusedError:
            continue
    return tuple(sorted(found, key=lambda a: a.created_at, reverse=True))


def fitting(
    found: Iterable[Approval],
    *,
    plan_sha256: str,
    kind: str,
    environment: str,
    system_identifier: str,
    database: str,
    begun: Collection[str] = (),
) -> Approval | None:
    """The approval that a person most likely means: that of this very plan, else the one that an interrupted run
    used (`begun`: nonces), else the newest for this target, so that the gate can say what no longer holds."""
    ours = [
        a
        for a in found
        if (a.payload["kind"], a.payload["environment"]) == (kind, environment)
        and (a.payload["system_identifier"], a.payload["database"]) == (system_identifier, database)
    ]
    return next(
        (
            a
            for test in (lambda a: a.plan_sha256 == plan_sha256, lambda a: a.nonce in begun, lambda a: True)
            for a in ours
            if test(a)
        ),
        None,
    )
