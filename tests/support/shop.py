"""A small project with a production database of its own, and the crew that works on it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agentdb.agents.model import Model
from agentdb.config import Settings, load_settings
from agentdb.graph.context import Target
from agentdb.graph.run import Crew, Standing, crew, plan_now, thread_for
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.databases.postgres import connect
from agentdb.tools.files import Layout
from agentdb.tools.ledger import approvals
from agentdb.tools.ledger.plan import Plan
from agentdb.tools.sandbox import places
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.schema.fingerprint import fingerprint
from agentdb.tools.schema.snapshot import read_snapshot

PERSON = "ada@example.org"
VARIABLE = "AGENTDB_TEST_PRODUCTION"
SANDBOX = places.default_home("tests")

SETTINGS = f"""\
[project]
name = "shop"

[targets.prod]
dsn_env = "{VARIABLE}"
environment = "prod"
"""
SCHEMA = """
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint REFERENCES customers, note text);
INSERT INTO customers (email) SELECT 'c' || n || '@example.org' FROM generate_series(1, 20) n;
INSERT INTO orders (customer_id, note) SELECT n, 'order ' || n FROM generate_series(1, 20) n;
"""
MIGRATIONS = {
    "003_loyalty": "CREATE TABLE loyalty (customer_id bigint PRIMARY KEY REFERENCES customers, points integer NOT NULL);\n",
    "004_phone": "ALTER TABLE customers ADD COLUMN phone text;\n",
}


class Shop:
    """The project's folders and its production. `dsn` is where agentdb is told that production is."""

    def __init__(self, root: Path, dsn: Dsn) -> None:
        self.root = root
        self.dsn = dsn
        self.layout = Layout(root)

    @classmethod
    def make(cls, root: Path, dsn: Dsn, migrations: Mapping[str, str] = MIGRATIONS, settings: str = SETTINGS) -> Shop:
        """A new project in `root`."""
        made = cls(root, dsn)
        for folder in (made.layout.pending, made.layout.applied, made.layout.rollback):
            folder.mkdir(parents=True)
        (root / "agentdb.toml").write_text(settings, encoding="utf-8")
        for label, sql in migrations.items():
            made.write(label, sql)
        approvals.create_local_key(made.layout.state_dir, PERSON)
        return made

    def write(self, label: str, sql: str) -> Path:
        path = self.layout.pending / f"{label}.sql"
        path.write_text(sql, encoding="utf-8")
        return path

    def copied(self, root: Path, dsn: Dsn | None = None) -> Shop:
        """The same project in another folder, threads and all."""
        shutil.copytree(self.root, root, symlinks=True)
        return Shop(root, dsn or self.dsn)

    @property
    def settings(self) -> Settings:
        return load_settings(self.root, environ={})

    @property
    def target(self) -> Target:
        return Target("prod", self.settings.targets["prod"], self.dsn)

    @property
    def thread(self) -> str:
        return thread_for(self.settings, self.target, {"name": "pending"})

    @property
    def key(self) -> Path:
        return self.layout.state_dir / "approval_key"

    @contextlib.contextmanager
    def crew(
        self,
        *,
        model: Model | None = None,
        target: Target | None | bool = True,
        clock: Callable[[], datetime] | None = None,
    ) -> Iterator[Crew]:
        """The crew at work on this project."""
        options: dict[str, Any] = {"clock": clock} if clock else {}
        with crew(
            self.settings,
            self.layout,
            os.environ,
            allowed_signers=self.layout.state_dir / "allowed_signers",
            who="tester@here",
            target=self.target if target is True else target or None,
            model=model,
            forbidden=[self.dsn],
            sandbox_home=SANDBOX,
            **options,
        ) as made:
            yield made

    def sign(self, plan: Plan, *, age: timedelta = timedelta(0), **more: Any) -> str:
        """A person's signature on a plan, as the gate takes it. more: what approvals.sign takes."""
        created = datetime.now(UTC) - age
        chosen: dict[str, Any] = {"approver": PERSON, "key": self.key, "expires": created + timedelta(hours=1)} | more
        return approvals.to_text(approvals.sign(plan, created=created, **chosen))

    def genuine(self, made: Crew, standing: Standing) -> str:
        """A person's signature on what the thread asks about."""
        assert standing.question is not None
        return self.sign(plan_now(standing.question, made.context))


def fill(database: SandboxDatabase) -> None:
    """Make the shop's first tables and rows, as production has them."""
    with database.connect() as conn:
        conn.execute(SCHEMA.encode())
        conn.execute("ANALYZE")


def state_of(dsn: Dsn) -> dict[str, Any]:
    """What a database holds, as far as anybody could have changed it: schema, rows of every table, ledger."""
    with connect(dsn, application_name="the test") as conn:
        tables = conn.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
        ).fetchall()
        rows = {}
        for (name,) in tables:
            found = conn.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t".encode()
            )
            rows[name] = found.fetchall()[0][0]
        return {"fingerprint": fingerprint(read_snapshot(conn)), "rows": rows}


def applied_in(dsn: Dsn) -> list[str]:
    """The labels that the ledger says are applied, one for each row, in order; [] without a ledger."""
    with connect(dsn) as conn:
        there = conn.execute("SELECT to_regclass('agentdb.history') IS NOT NULL").fetchone()
        if not (there and there[0]):
            return []
        rows = conn.execute("SELECT version || '_' || name FROM agentdb.history WHERE status = 'applied' ORDER BY id")
        return [r[0] for r in rows.fetchall()]
