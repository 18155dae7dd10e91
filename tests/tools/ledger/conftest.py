"""A project with a target of its own: files, a signing key, and the steps from a plan to an apply."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentdb.tools import files
from agentdb.tools.files import Layout
from agentdb.tools.ledger import approvals, history, plan
from agentdb.tools.ledger.apply import ApplyRequest, ApplyResult, apply, roll_back
from agentdb.tools.ledger.approvals import Approval
from agentdb.tools.ledger.execute import Limits
from agentdb.tools.ledger.plan import Plan, Policy
from agentdb.tools.sandbox.databases import SandboxDatabase

APPROVER = "ada@example.org"


class Project:
    """A project on disk and its target."""

    def __init__(self, root: Path, database: SandboxDatabase) -> None:
        self.layout = Layout(root)
        self.database = database
        self.dsn = database.dsn
        self.environment = "prod"
        self.key = approvals.create_local_key(self.layout.state_dir, APPROVER)
        self.signers = self.layout.state_dir / "allowed_signers"
        for folder in (self.layout.pending, self.layout.applied, self.layout.rollback):
            folder.mkdir(parents=True)

    def write(self, label: str, up: str, down: str = "", capture: str = "") -> Path:
        path = self.layout.pending / f"{label}.sql"
        path.write_text(up)
        if down:
            (self.layout.rollback / f"{label}.sql").write_text(down)
        if capture:
            (self.layout.rollback / f"{label}.capture.sql").write_text(capture)
        return path

    def plan(self, *labels: str, kind: str = "apply", **more: Any) -> Plan:
        chosen = [plan.find(self.layout, label) for label in labels] or None
        with self.database.connect() as conn:
            return plan.build_plan(
                self.layout, chosen, conn, environment=self.environment, policy=Policy(), kind=kind, **more
            )

    def approve(self, made: Plan | None = None, *, age: timedelta = timedelta(0), **more: Any) -> Approval:
        created = datetime.now(UTC) - age
        chosen: dict[str, Any] = {"approver": APPROVER, "key": self.key, "expires": created + timedelta(hours=1)} | more
        return approvals.sign(made or self.plan(), created=created, **chosen)

    def request(self, approval: Approval | None, **more: Any) -> ApplyRequest:
        made = ApplyRequest(
            layout=self.layout,
            dsn=self.dsn,
            environment=self.environment,
            approval=approval,
            allowed_signers=self.signers,
            who="tester@here",
            limits=Limits(lock_timeout="100ms", lock_wait_seconds=20, retry_seconds=0.001),
        )
        return dataclasses.replace(made, **more)

    def apply(self, *labels: str, **more: Any) -> ApplyResult:
        return apply(self.request(self.approve(self.plan(*labels)), **more))

    def roll_back(self, *labels: str, **more: Any) -> ApplyResult:
        return roll_back(self.request(self.approve(self.plan(*labels, kind="rollback")), **more))

    def runs(self) -> tuple[history.HistoryRow, ...]:
        with self.database.connect() as conn:
            return history.runs(conn)

    def ask(self, sql: str) -> Any:
        """The first value of a query's first row."""
        with self.database.connect() as conn:
            row = conn.execute(sql.encode()).fetchone()
            return row[0] if row else None

    def do(self, sql: str) -> None:
        with self.database.connect() as conn:
            conn.execute(sql.encode())

    def where(self, label: str) -> str:
        """The folder that a migration's file lies in."""
        return next(m.path.parent.name for m in files.discover(self.layout) if m.label == label)


@pytest.fixture
def project(tmp_path: Path, database: SandboxDatabase) -> Iterator[Project]:
    """A project whose target is a database of the test's own."""
    yield Project(tmp_path, database)
