"""A project with a target of its own: files, a signing key, and the steps from a plan to an apply."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.applier import start

from agentdb.errors import RefusedError
from agentdb.tools import files
from agentdb.tools.files import Layout
from agentdb.tools.ledger import approvals, audit, history, plan, prints
from agentdb.tools.ledger.apply import ApplyRequest, ApplyResult, apply, roll_back
from agentdb.tools.ledger.approvals import Approval
from agentdb.tools.ledger.execute import Limits
from agentdb.tools.ledger.plan import Plan, Policy
from agentdb.tools.ledger.status import MigrationStatus, State, status
from agentdb.tools.sandbox.databases import SandboxDatabase

APPROVER = "ada@example.org"
NUMBERS = itertools.count()

# Scripts as (up, down, capture). Two migrations in a transaction each; every INSERT shows how often it ran.
TOGETHER = {
    "001_split": (
        "CREATE TABLE added (id int);\nINSERT INTO ran VALUES ('001');\nALTER TABLE t DROP COLUMN note;\n",
        "ALTER TABLE t ADD COLUMN note text;\nDROP TABLE added;\nDROP TABLE agentdb_archive.kept;\n",
        "CREATE SCHEMA IF NOT EXISTS agentdb_archive;\nCREATE TABLE agentdb_archive.kept AS SELECT * FROM t;\n",
    ),
    "002_more": ("CREATE TABLE more (id int);\nINSERT INTO ran VALUES ('002');\n", "DROP TABLE more;\n", ""),
}
# One whose statements run each by itself.
APART = {
    "001_apart": (
        (
            "-- agentdb: no-transaction\nCREATE TABLE added (id int);\nCREATE INDEX CONCURRENTLY t_id ON t (id);\n"
            "INSERT INTO ran VALUES ('001');\nDROP INDEX CONCURRENTLY t_old;\n"
        ),
        (
            "-- agentdb: no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS t_id;\nDROP TABLE IF EXISTS added;\n"
            "CREATE INDEX IF NOT EXISTS t_old ON t (id);\n"
        ),
        "CREATE SCHEMA IF NOT EXISTS agentdb_archive;\nCREATE TABLE agentdb_archive.kept AS SELECT * FROM t;\n",
    )
}


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

    def plan_fingerprint(self) -> str:
        """The schema's fingerprint, as a plan holds it."""
        with self.database.connect() as conn:
            return prints.measure(conn).fingerprint

    def ask(self, sql: str) -> Any:
        """The first value of a query's first row."""
        with self.database.connect() as conn:
            row = conn.execute(sql.encode()).fetchone()
            return row[0] if row else None

    def do(self, sql: str) -> None:
        with self.database.connect() as conn:
            conn.execute(sql.encode())

    def truth(self) -> dict[str, MigrationStatus]:
        """What status says, by label."""
        with self.database.connect() as conn:
            return {m.label: m for m in status(self.layout, conn).migrations}

    def begin(self, approval: Approval, **more: Any) -> tuple[Any, Path]:
        """A process that applies, and the file that it will write its result to."""
        path = approvals.write(approval, self.layout.root / f"{approval.nonce}.json")
        result = self.layout.root / f"{next(NUMBERS)}.result"
        job = {"root": str(self.layout.root), "dsn": self.dsn.reveal(), "approval": str(path), "result": str(result)}
        return start(job | more), result

    def kill(self, approval: Approval, die_at: str, kind: str = "apply") -> Approval:
        """The approval, after a process that used it was killed at a point."""
        process, result = self.begin(approval, die_at=die_at, kind=kind)
        process.join(60)
        assert process.exitcode == -9, (die_at, result.read_text() if result.exists() else "no result")
        return approval

    def go_on(self, approval: Approval, kind: str = "apply") -> ApplyResult:
        """The run resumed under its own approval; under a fresh one where the ledger cannot vouch for the schema."""
        do = roll_back if kind == "rollback" else apply
        try:
            return do(self.request(approval, resume=True))
        except RefusedError as refusal:
            assert refusal.reason == "drifted"
            labels = tuple(self.truth()) if kind == "rollback" else ()
            return do(self.request(self.approve(self.plan(*labels, kind=kind)), resume=True))

    def assert_all_applied(self, ran: list[str]) -> None:
        """Everything is applied, once, and in order; `ran` is what the table of that name holds."""
        assert {m.state for m in self.truth().values()} == {State.APPLIED}
        with self.database.connect() as conn:
            assert [r[0] for r in conn.execute("SELECT what FROM ran ORDER BY 1").fetchall()] == ran
            assert conn.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)
            assert audit.verify_target(conn, self.layout.state_dir).ok
        assert [r.status for r in self.runs() if r.status != "failed"] == ["applied"] * len(ran)
        assert not list(self.layout.pending.glob("*.sql"))

    def where(self, label: str) -> str:
        """The folder that a migration's file lies in."""
        return next(m.path.parent.name for m in files.discover(self.layout) if m.label == label)


@pytest.fixture
def project(tmp_path: Path, database: SandboxDatabase) -> Iterator[Project]:
    """A project whose target is a database of the test's own."""
    yield Project(tmp_path, database)


@pytest.fixture
def together(project: Project) -> Project:
    """A project with the migrations of TOGETHER pending, and the tables that they work on."""
    return _with_tables(project, TOGETHER)


@pytest.fixture
def apart(project: Project) -> Project:
    """A project with the migration of APART pending, and the tables that it works on."""
    return _with_tables(project, APART)


def _with_tables(project: Project, scripts: dict[str, tuple[str, str, str]]) -> Project:
    project.do("CREATE TABLE t (id int, note text)")
    project.do("INSERT INTO t VALUES (1, 'one')")
    project.do("CREATE INDEX t_old ON t (id)")
    project.do("CREATE TABLE ran (what text)")
    for label, texts in scripts.items():
        project.write(label, *texts)
    return project
