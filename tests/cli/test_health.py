"""agentdb health, as a process, on a database that is well and on one that is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.own_server import own_server

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

CONFIG = '[targets.prod]\ndsn_env = "SHOP_URL"\nenvironment = "prod"\n'
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def quiet() -> Iterator[SandboxServer]:
    """A server that nobody else works on."""
    with own_server({"shared_preload_libraries": "pg_stat_statements"}) as found:
        yield found


@pytest.fixture
def shop(quiet: SandboxServer) -> Iterator[SandboxDatabase]:
    with quiet.create() as made:
        with made.connect() as conn:
            conn.execute("CREATE EXTENSION pg_stat_statements")
        yield made


@pytest.fixture
def agentdb(tmp_path: Path, shop: SandboxDatabase) -> Command:
    """agentdb(*arguments, config="...") in a project whose target is the shop."""

    def run(*arguments: str, config: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "agentdb.toml").write_text(CONFIG + config, encoding="utf-8")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_"))}
        return subprocess.run(
            [sys.executable, "-m", "agentdb", *arguments],
            cwd=tmp_path,
            env={**clean, "SHOP_URL": shop.dsn.reveal()},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def spoil(shop: SandboxDatabase) -> None:
    """One thing that is bad and one to look at."""
    with shop.connect() as conn:
        conn.execute("CREATE TABLE t (id serial PRIMARY KEY, x int)")
        conn.execute("SELECT setval('t_id_seq', 2147483647)")
        conn.execute("CREATE INDEX a ON t (x); CREATE INDEX b ON t (x)")


def test_a_healthy_database_is_one_line(agentdb: Command, shop: SandboxDatabase) -> None:
    done = agentdb("health")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"prod (prod) {shop.name}: healthy: 27 checks, nothing to say"]


def test_the_verdict_comes_first_then_what_is_wrong_then_what_to_do(agentdb: Command, shop: SandboxDatabase) -> None:
    spoil(shop)
    done = agentdb("health")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "not healthy: of 27 checks 1 bad, 1 to look at, 25 ok" in lines[0]
    assert lines[3].startswith("sequence-exhaustion") and lines[4].startswith("duplicate-indexes")
    assert "What to do (advice; agentdb runs none of it)" in lines
    assert "      DROP INDEX CONCURRENTLY public.b;" in lines
    assert lines[-1].startswith("ok: ")


def test_fail_on_decides_the_exit_code(agentdb: Command, shop: SandboxDatabase) -> None:
    spoil(shop)
    only = ("health", "--only", "duplicate-indexes")
    assert agentdb(*only).returncode == 0
    assert agentdb(*only, "--fail-on", "warn").returncode == 1
    assert agentdb(*only, config='[health]\nfail_on = "warn"\n').returncode == 1
    assert agentdb("health", "--fail-on", "never").returncode == 0


def test_json_has_everything(agentdb: Command, shop: SandboxDatabase) -> None:
    spoil(shop)
    done = agentdb("health", "--format", "json", "--integrity")
    found = json.loads(done.stdout)
    assert (done.returncode, found["schema_version"], found["status"], len(found["checks"])) == (1, 1, "bad", 27)
    assert {c["id"]: c["status"] for c in found["checks"]}["sequence-exhaustion"] == "bad"
    assert [a["status"] for a in found["integrity"]["answers"]] == ["ok"]


def test_markdown_is_a_table_and_names_cannot_break_out_of_it(agentdb: Command, shop: SandboxDatabase) -> None:
    with shop.connect() as conn:
        conn.execute(
            'CREATE TABLE "a|b <img> `x`" (x int); CREATE INDEX "i|1" ON "a|b <img> `x`" (x); CREATE INDEX "i|2" ON "a|b <img> `x`" (x)'
        )
    done = agentdb("health", "--format", "markdown")
    assert done.returncode == 0
    assert done.stdout.startswith(f"### Health of prod (prod) {shop.name}\n")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("| `duplicate-indexes`")]
    assert "i\\|2 (duplicate of i\\|1)" in row
    assert "<img>" not in done.stdout


def test_integrity_counts_rows(agentdb: Command, shop: SandboxDatabase) -> None:
    with shop.connect() as conn:
        conn.execute(
            "CREATE TABLE t (x int); INSERT INTO t VALUES (-5); ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID"
        )
    assert agentdb("health").returncode == 0
    done = agentdb("health", "--integrity")
    assert done.returncode == 1
    assert "public.t.c (NOT VALID): rows that break it: 1" in done.stdout


def test_limits_come_from_the_settings_and_typos_are_told(agentdb: Command, shop: SandboxDatabase) -> None:
    limits = "[health.limits.connections]\nwarn_ratio = 0.001\n"
    assert "connections" in agentdb("health", "--only", "connections", config=limits).stdout.splitlines()[3]
    wrong = agentdb("health", config="[health.limits.connection]\nwarn_ratio = 0.5\n")
    assert wrong.returncode == 2 and "did you mean 'connections'?" in wrong.stderr
    wrong = agentdb("health", "--only", "conections")
    assert wrong.returncode == 2 and "did you mean 'connections'?" in wrong.stderr
