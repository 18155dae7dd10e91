"""From settings and flags to what tools/ledger asks for; shared by approve, apply, rollback, status and review."""

from __future__ import annotations

import getpass
import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .context import ProjectContext, Target

if TYPE_CHECKING:
    from ..tools.databases.postgres import Connection
    from ..tools.ledger.apply import ApplyRequest
    from ..tools.ledger.approvals import Approval
    from ..tools.ledger.execute import Limits
    from ..tools.ledger.plan import Plan, Policy
    from ..tools.records import Migration

COMMITTED_SIGNERS = "agentdb.allowed_signers"
DEFAULT_SIGNERS = ".agentdb/allowed_signers"
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def policy(project: ProjectContext) -> Policy:
    """Which environments need an approval; one that the settings do not name needs one."""
    from ..tools.ledger.plan import Policy

    return Policy({str(k): v for k, v in project.settings.approval.required.items()})


def allowed_signers(project: ProjectContext) -> Path:
    """The list of people who may approve: the one that the settings name; else agentdb.allowed_signers in the
    project's folder, which a team commits; else the local one that `init` made."""
    named = project.settings.approval.allowed_signers
    committed = project.settings.root / COMMITTED_SIGNERS
    if named == DEFAULT_SIGNERS and committed.is_file():
        return committed
    return project.settings.root / Path(named).expanduser()


def signing_key(project: ProjectContext, given: Path | None) -> Path:
    """The key to sign with: the flag's, else the settings'."""
    return given.expanduser() if given else project.settings.root / Path(project.settings.approval.key).expanduser()


def limits(project: ProjectContext, target: Target, wait_seconds: float | None = None) -> Limits:
    """How long statements may wait and work on a target, and how much may be copied."""
    from ..tools.ledger.execute import Limits

    made = target.settings
    return Limits(
        lock_timeout=made.lock_timeout,
        statement_timeout=made.statement_timeout,
        lock_attempts=made.lock_retries + 1,
        lock_wait_seconds=30.0 if wait_seconds is None else wait_seconds,
        max_copy=project.settings.rollback.max_copy_bytes,
    )


def who() -> str:
    """The login and machine that a line in the ledger names."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        login = "unknown"
    return f"{login}@{socket.gethostname()}"


def looking(target: Target) -> Connection:
    """A read-only session on a target."""
    from ..tools.databases.postgres import connect

    return connect(target.dsn, application_name="agentdb", options={"default_transaction_read_only": "on"})


def chosen(project: ProjectContext, names: list[str]) -> list[Migration] | None:
    """The migrations that a person names by number or by "007_add_email"; None for none named."""
    from ..tools import files

    if not names:
        return None
    known = files.discover(project.layout)
    found: list[Migration] = []
    for name in names:
        stem = Path(name).name.removesuffix(".sql")
        fits = [m for m in known if stem == m.label or (stem.isdigit() and int(stem) == m.number)]
        if len(fits) != 1:
            what = "there is no such migration" if not fits else "more than one migration has this number"
            raise UsageError(what, where=name, hint="`agentdb status` lists them.")
        found += fits
    return found


def plan_for(
    project: ProjectContext, target: Target, conn: Connection, names: list[str], kind: str, evidence: str = ""
) -> Plan:
    """The plan for a target as it is now. Of a rollback it holds what was last proven on this very schema; without
    such a proof, what the scripts' heads say, with a word when that was for another schema."""
    from ..tools.ledger import history, remembered
    from ..tools.ledger.plan import build_plan

    chosen_ones = chosen(project, names)
    known = certificates(project)
    options: dict[str, Any] = {
        "environment": target.settings.environment,
        "policy": policy(project),
        "kind": kind,
        "evidence_sha256": evidence,
    }
    if kind != "rollback":
        return build_plan(project.layout, chosen_ones, conn, certificates=known, **options)
    plan = build_plan(project.layout, chosen_ones, conn, **options)
    proven = remembered.proof(project.layout.state_dir, plan)
    if proven is None:
        left = {r.id: r.fingerprint_after for r in history.runs(conn)}
        newest = left.get(max(m.history_id for m in plan.migrations), "")
        other = "" if newest == plan.fingerprint else " (for another schema)"
        classes = {m.label: f"{known[m.label]}{other}" for m in plan.migrations if m.label in known}
        proven = remembered.Proven(classes)
    return remembered.with_proof(plan, proven)


def certificates(project: ProjectContext) -> dict[str, str]:
    """The certificate class that the head of each rollback script states, by label."""
    found = {}
    for path in sorted(project.layout.rollback.glob("*.sql")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            head = [line for _, line in zip(range(40), lines, strict=False) if line.startswith("--")]
        match = next(filter(None, map(CERTIFICATE.match, head)), None)
        if match:
            found[path.stem] = match[1].upper() + (match[2] or "").lower()
    return found


CERTIFICATE = re.compile(
    r"--\s*certificate:\s*(LOSSLESS|SCHEMA_ONLY|LOSSY|IMPOSSIBLE)\b( \(not proven\))?", re.IGNORECASE
)


def request(
    project: ProjectContext,
    target: Target,
    approval: Approval | None,
    *,
    names: list[str] | None = None,
    resume: bool = False,
    dry_run: bool = False,
    under_way: str = "",
    data: bool | None = None,
    wait_seconds: float | None = None,
) -> ApplyRequest:
    """What tools/ledger/apply.py is asked to do. data: whether rows may be counted first; None as the settings say."""
    from ..tools.durations import seconds
    from ..tools.ledger.apply import ApplyRequest

    return ApplyRequest(
        layout=project.layout,
        dsn=target.dsn,
        environment=target.settings.environment,
        approval=approval,
        allowed_signers=allowed_signers(project),
        who=who(),
        policy=policy(project),
        labels=tuple(m.label for m in chosen(project, names or []) or ()),
        limits=limits(project, target, wait_seconds),
        resume=resume,
        dry_run=dry_run,
        under_way=under_way,
        data_checks=target.settings.data_checks if data is None else data,
        data_timeout_ms=int(seconds(target.settings.data_timeout) * 1000),
    )


def duration(text: str) -> timedelta:
    """ "30m", "2h" or "1d" as a span of time. Errors: UsageError."""
    match = re.fullmatch(r"(\d{1,5})\s*([mhd])", text.strip().lower())
    if not match or not int(match[1]):
        raise UsageError(f"'{text}' is no span of time", hint="Write 30m, 2h or 1d.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
