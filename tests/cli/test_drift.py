"""agentdb drift, as a process: a target that agentdb migrated, and what people do to it and to the files."""

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

CONFIG = '[targets.shop]\ndsn_env = "SHOP_URL"\nenvironment = "dev"\n[approval.required]\ndev = false\n'
FIRST = "CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric);\n"
SECOND = "ALTER TABLE orders ADD COLUMN note text;\n"
THIRD = "CREATE INDEX orders_note ON orders (note);\n"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def production() -> Iterator[SandboxServer]:
    """A server that is not the sandbox's."""
    with own_server({}) as found:
        yield found


@pytest.fixture
def shop(production: SandboxServer) -> Iterator[SandboxDatabase]:
    with production.create() as made:
        yield made


@pytest.fixture
def agentdb(tmp_path: Path, shop: SandboxDatabase, server: SandboxServer) -> Command:
    """agentdb(*arguments) in a project whose target is the shop and whose sandbox is the tests' server."""
    for folder in ("pending", "applied", "rollback"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "agentdb.toml").write_text(CONFIG, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_"))}
    environment = {**clean, "SHOP_URL": shop.dsn.reveal(), "AGENTDB_SANDBOX_DSN": server.dsn.reveal()}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agentdb", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def pending(root: Path, number: int, sql: str) -> Path:
    path = root / "migrations/pending" / f"{number:03}_step{number}.sql"
    path.write_text(sql, encoding="utf-8")
    return path


def test_a_target_that_only_agentdb_touched_has_not_drifted(
    agentdb: Command, shop: SandboxDatabase, tmp_path: Path
) -> None:
    pending(tmp_path, 1, FIRST), pending(tmp_path, 2, SECOND)
    done = agentdb("apply")
    assert done.returncode == 0, done.stdout + done.stderr
    third = pending(tmp_path, 3, THIRD)
    done = agentdb("drift")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "shop (dev): no drift (1 migration pending)"
    assert "2 applied migrations, replayed from the ledger's own copies" in lines[1]
    assert "UNAPPLIED   003_step3 is pending, 1 change to come" in lines[2]
    assert third.exists()

    with shop.connect() as conn:
        conn.execute("ALTER TABLE orders ADD COLUMN hotfix int")
    second = next((tmp_path / "migrations").rglob("002_step2.sql"))
    second.write_text(SECOND.replace("text", "varchar(9)"), encoding="utf-8")
    done = agentdb("drift", "--format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["drifted"] and found["verdict"].startswith(
        "drift: 1 object changed outside agentdb, 1 applied file edited"
    )
    assert [i["cause"] for i in found["items"]] == ["OUT_OF_BAND", "EDITED_FILE", "UNAPPLIED"]
    assert found["items"][1]["objects"] == ["column public.orders.note"]

    adopt = agentdb("drift", "--sql", "adopt")
    assert adopt.returncode == 1
    assert adopt.stdout.splitlines() == [
        "-- makes the migrations' schema what is live; tried in the sandbox",
        "ALTER TABLE public.orders ADD COLUMN hotfix integer;",
    ]
    revert = agentdb("drift", "--sql", "revert").stdout
    assert revert.splitlines()[0].endswith("tried in the sandbox")
    assert "ALTER TABLE public.orders DROP COLUMN hotfix;" in revert


def test_without_a_ledger_the_folder_of_applied_files_counts(
    agentdb: Command, shop: SandboxDatabase, tmp_path: Path
) -> None:
    (tmp_path / "migrations/applied/001_step1.sql").write_text(FIRST, encoding="utf-8")
    with shop.connect() as conn:
        conn.execute(FIRST.encode())
    done = agentdb("drift")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "shop (dev): no drift")
    assert "1 file in applied/" in done.stdout
    with shop.connect() as conn:
        conn.execute("DROP TABLE orders")
    done = agentdb("drift")
    assert done.returncode == 1
    assert "OUT_OF_BAND table public.orders dropped" in done.stdout


def test_a_target_that_was_not_empty_at_first_is_judged_by_the_ledgers_fingerprint(
    agentdb: Command, shop: SandboxDatabase, tmp_path: Path
) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE TABLE orders (id int)")
    pending(tmp_path, 1, SECOND)
    done = agentdb("apply")
    assert done.returncode == 0, done.stdout + done.stderr
    done = agentdb("drift")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "shop (dev): no drift"), done.stdout + done.stderr
    assert "the fingerprint that the ledger noted after 001_step1" in done.stdout
    assert "not rebuilt in the sandbox" in done.stdout
    with shop.connect() as conn:
        conn.execute("ALTER TABLE orders ADD COLUMN hotfix int")
    done = agentdb("drift")
    assert done.returncode == 1
    assert "the schema is not what it was after 001_step1; which objects differ cannot be told" in done.stdout


def test_applied_migrations_that_do_not_run_any_more_are_one_clear_error(agentdb: Command, tmp_path: Path) -> None:
    (tmp_path / "migrations/applied/001_step1.sql").write_text("ALTER TABLE nowhere ADD x int;", encoding="utf-8")
    done = agentdb("drift")
    assert done.returncode == 3
    assert done.stderr.startswith("agentdb: ") and "does not run" in done.stderr
    assert "Traceback" not in done.stderr
