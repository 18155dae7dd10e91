"""How long locks are held on a target, as agentdb test and agentdb check tell it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE orders (id bigserial PRIMARY KEY, amount int, placed timestamp);
CREATE TABLE fresh (id bigserial PRIMARY KEY, amount int);
INSERT INTO orders (amount) SELECT i FROM generate_series(1, 6000) i;
INSERT INTO fresh (amount) SELECT i FROM generate_series(1, 60) i;
ANALYZE orders;
"""


@pytest.fixture(scope="module")
def target(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create("target") as database:
        with database.connect() as connection:
            connection.execute(SHOP.encode())
            connection.execute(f"ALTER DATABASE {database.name} SET timezone TO 'America/New_York'".encode())
        yield database


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("pending", "applied", "rollback", "archived"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "agentdb.toml").write_text('[targets.prod]\ndsn_env = "SHOP_URL"\n')
    (tmp_path / "migrations/pending/001_amount.sql").write_text("ALTER TABLE orders ALTER amount TYPE bigint;\n")
    (tmp_path / "migrations/pending/002_fresh.sql").write_text("ALTER TABLE fresh ALTER amount TYPE bigint;\n")
    return tmp_path


def agentdb(folder: Path, target: SandboxDatabase, *arguments: str) -> tuple[int, Any]:
    """The exit code, and what a command prints as JSON. The sandbox is the embedded server: a target is none."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "PG"))}
    environment |= {"SHOP_URL": target.dsn.reveal(), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "agentdb", *arguments, "--target", "prod", "--format", "json"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_test_against_a_target_says_for_how_long(project: Path, target: SandboxDatabase) -> None:
    code, told = agentdb(project, target, "test", "migrations/pending/001_amount.sql")
    (hold,) = told["timing"]["holds"]
    assert code == 0 and (hold["relation"], hold["mode"]) == ("public.orders", "ACCESS EXCLUSIVE")
    low, high = hold["seconds"]
    assert 0 < low < high
    assert "6000 rows" in hold["basis"] and "rows/s measured on 6,000" in hold["basis"]
    assert told["run"]["settings"]["TimeZone"] == "America/New_York"


def test_a_check_against_a_target_says_so_in_its_findings(project: Path, target: SandboxDatabase) -> None:
    _, told = agentdb(project, target, "check", "--fail-on", "never")
    found = {
        f["line"]: f
        for f in told["findings"]
        if f["rule"] == "changing-column-type" and f["file"].endswith("1_amount.sql")
    }
    held = found[1]["held"]
    assert held["seconds"][0] < held["seconds"][1] and held["rows"] == 6000
    assert "On the target it holds ACCESS EXCLUSIVE on orders" in found[1]["why"]
    (fresh,) = [f for f in told["findings"] if f["rule"] == "changing-column-type" and f["file"].endswith("fresh.sql")]
    assert fresh["held"]["seconds"] is None and "run ANALYZE" in fresh["held"]["why_unknown"]


def test_reading_alone_knows_the_targets_time_zone(project: Path, target: SandboxDatabase) -> None:
    name = "003_zone.sql"
    (project / "migrations/pending" / name).write_text("ALTER TABLE orders ALTER placed TYPE timestamptz;\n")
    _, told = agentdb(project, target, "check", "--static", "--fail-on", "never", f"migrations/pending/{name}")
    assert "changing-column-type" in [f["rule"] for f in told["findings"]], "under UTC it is no rewrite"
    assert told["pg_version"] == target_version(target)


def target_version(target: SandboxDatabase) -> int:
    with target.connect() as connection:
        return connection.info.server_version // 10000
