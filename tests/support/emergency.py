"""A project with a production of its own, for going back: files, applies, and the command line on both."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.tools.files import Layout
from agentdb.tools.ledger import approvals, plan
from agentdb.tools.ledger.apply import ApplyRequest, ApplyResult, apply
from agentdb.tools.ledger.execute import Limits
from agentdb.tools.ledger.plan import Policy
from agentdb.tools.sandbox.databases import SandboxDatabase

PERSON = "ada@example.org"
CONFIG = """\
[targets.prod]
dsn_env = "SHOP_URL"
environment = "prod"

[sandbox]
rows = 4
"""
SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, note text);
INSERT INTO customers SELECT n, 'c' || n || '@example.org', 'note ' || n FROM generate_series(1, 5) n;
"""
# label -> (up, down); 003 builds on 002, 004 stands alone.
MIGRATIONS = {
    "002_phone": ("ALTER TABLE customers ADD COLUMN phone text;\n", "ALTER TABLE customers DROP COLUMN phone;\n"),
    "003_phone_index": (
        "CREATE INDEX customers_phone ON customers (phone);\n",
        "DROP INDEX customers_phone;\n",
    ),
    "004_loyalty": (
        "CREATE TABLE loyalty (id int PRIMARY KEY, points int NOT NULL);\n",
        "DROP TABLE loyalty;\n",
    ),
}


class Scene:
    """The project in a folder of its own, its target, and agentdb called on it."""

    def __init__(
        self,
        root: Path,
        database: SandboxDatabase,
        sandbox: str,
        patch: pytest.MonkeyPatch,
        printed: pytest.CaptureFixture[str],
    ) -> None:
        self.root, self.database, self.printed, self.sandbox = root, database, printed, sandbox
        self.layout = Layout(root)
        (root / "agentdb.toml").write_text(CONFIG)
        for folder in ("pending", "applied", "rollback", "archived"):
            (root / "migrations" / folder).mkdir(parents=True)
        self.key = approvals.create_local_key(self.layout.state_dir, PERSON)
        for name in [n for n in os.environ if n.startswith(("AGENTDB_", "OPENAI_"))]:
            patch.delenv(name)
        patch.setenv("SHOP_URL", database.dsn.reveal())
        patch.setenv("AGENTDB_SANDBOX_DSN", sandbox)
        patch.chdir(root)

    def write(self, label: str, up: str, down: str = "", capture: str = "", certificate: str = "LOSSLESS") -> None:
        (self.layout.pending / f"{label}.sql").write_text(up)
        if down:
            (self.layout.rollback / f"{label}.sql").write_text(f"-- Certificate: {certificate}\n{down}")
        if capture:
            (self.layout.rollback / f"{label}.capture.sql").write_text(capture)

    def apply(self, **more: Any) -> ApplyResult:
        """Everything pending, applied on a person's approval, as `agentdb apply` would."""
        now = datetime.now(UTC)
        with self.database.connect() as conn:
            made = plan.build_plan(self.layout, None, conn, environment="prod", policy=Policy())
        signed = approvals.sign(made, approver=PERSON, key=self.key, created=now, expires=now + timedelta(hours=1))
        request = ApplyRequest(
            layout=self.layout,
            dsn=self.database.dsn,
            environment="prod",
            approval=signed,
            allowed_signers=self.layout.state_dir / "allowed_signers",
            who="tester@here",
            limits=Limits(lock_timeout="100ms", lock_wait_seconds=20, retry_seconds=0.001),
        )
        return apply(dataclasses.replace(request, **more))

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a command prints, stdout and stderr; its exit code must be `code`."""
        self.printed.readouterr()
        try:
            main(list(arguments))
            found = 0
        except SystemExit as ended:
            found = int(ended.code or 0)
        said = "".join(self.printed.readouterr())
        assert found == code, said
        return said

    def approve(self, *versions: str) -> str:
        return self.run("approve", "--rollback", *versions, "--confirm", self.database.name)

    def do(self, sql: str) -> None:
        with self.database.connect() as conn:
            conn.execute(sql.encode())

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.database.connect() as conn:
            return conn.execute(sql.encode()).fetchall()

    def columns(self, table: str = "customers") -> list[str]:
        rows = self.ask(
            f"SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{table}') AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum"
        )
        return [str(r[0]) for r in rows]

    def reports(self, ending: str = "md") -> list[Path]:
        return sorted((self.layout.docs_dir / "reports").glob(f"rollback-*.{ending}"))
