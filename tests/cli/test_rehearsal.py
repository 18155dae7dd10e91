"""agentdb test, as a process on the tests' server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

SHOP = """CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint REFERENCES customers, amount int);
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("pending", "applied", "rollback", "archived"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "agentdb.toml").write_text('[targets.prod]\ndsn_env = "SHOP_URL"\n')
    (tmp_path / "migrations/applied/001_shop.sql").write_text(SHOP)
    return tmp_path


def agentdb(folder: Path, server: SandboxServer, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "PG"))}
    environment |= {"AGENTDB_SANDBOX_DSN": server.dsn.reveal(), "NO_COLOR": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "agentdb", "test", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def put(project: Path, name: str, sql: str, folder: str = "pending") -> str:
    (project / "migrations" / folder / name).write_text(sql)
    return f"migrations/{folder}/{name}"


def test_a_good_migration_is_told_statement_by_statement(project: Path, server: SandboxServer) -> None:
    put(project, "002_note.sql", "ALTER TABLE orders ADD note text;")
    file = put(
        project, "003_index.sql", "CREATE INDEX orders_note ON orders (note);\nUPDATE customers SET email = 'x';\n"
    )
    done = agentdb(project, server, file)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("ok  003_index: 2 statements in")
    text = " ".join(" ".join(rest).split())
    assert "SHARE on orders" in text and "writes wait on orders" in text and "(since before)" not in first
    assert "before: earlier migrations" in text and "24 synthetic rows in 2 tables" in text


def test_a_failing_migration_says_where_and_exits_with_three(project: Path, server: SandboxServer) -> None:
    file = put(
        project, "002_bad.sql", "-- x\nALTER TABLE orders ADD a int;\nALTER TABLE orders ALTER nope SET NOT NULL;\n"
    )
    done = agentdb(project, server, file)
    assert done.returncode == 3
    assert done.stdout.startswith(f'failed  002_bad: {file}:3: column "nope" of relation "orders" does not exist')


def test_synthetic_rows_alone_fail_no_migration_but_that_is_told(project: Path, server: SandboxServer) -> None:
    file = put(project, "002_not_null.sql", "ALTER TABLE orders ALTER customer_id SET NOT NULL;\n")
    done = agentdb(project, server, file)
    assert done.returncode == 0, done.stdout
    assert "contains null values" in done.stdout


def test_what_cannot_be_known_is_unknown(project: Path, server: SandboxServer) -> None:
    file = put(project, "002_out.sql", "COPY customers FROM PROGRAM 'curl example.org';\n")
    done = agentdb(project, server, file)
    assert done.returncode == 3
    assert done.stdout.startswith("unknown  002_out:")


def test_json_has_the_evidence(project: Path, server: SandboxServer) -> None:
    file = put(project, "002_type.sql", "ALTER TABLE orders ALTER amount TYPE bigint;")
    done = agentdb(project, server, file, "--format", "json", "--rows", "3")
    found = json.loads(done.stdout)
    assert (found["schema_version"], found["verdict"], found["migration"]) == (1, "ok", "002_type")
    assert found["evidence"][0]["id"] == "E-0001"
    assert found["evidence"][0]["result"]["rewrites"] == ["public.orders"]
    assert found["seeded"]["rows"] == {"public.customers": 3, "public.orders": 3}


def test_the_targets_schema_is_the_state_before(
    project: Path, server: SandboxServer, database: SandboxDatabase
) -> None:
    """The target lies on another server than the sandbox: here on the tests' own, and the sandbox elsewhere."""
    with database.connect() as connection:
        connection.execute("CREATE TABLE only_there (a int); INSERT INTO only_there VALUES (1)")
    put(project, "002_first.sql", "ALTER TABLE only_there ADD b int;")
    file = put(project, "003_then.sql", "ALTER TABLE only_there ALTER b TYPE bigint;")
    refused = agentdb(project, server, file, SHOP_URL=database.dsn.reveal())
    assert refused.returncode == 4 and "the server of a target" in refused.stderr
    from agentdb.tools.files import Layout, read_migration
    from agentdb.tools.sandbox.rehearsal import rehearse

    layout = Layout(project)
    with server.create() as sandbox:
        found = rehearse(
            sandbox,
            read_migration(project / file, layout),
            target=database.dsn,
            earlier=[read_migration(project / "migrations/pending/002_first.sql", layout)],
        )
        assert (found.verdict, found.before.source, found.earlier) == ("ok", "target", ("002_first",))
        assert found.run.statements[0].rewrites == ("public.only_there",)
        assert found.seeded.rows == {"public.only_there": 12}


def test_an_earlier_migration_that_fails_is_named(project: Path, server: SandboxServer) -> None:
    put(project, "002_bad.sql", "SELECT nope;")
    file = put(project, "003_good.sql", "SELECT 1;")
    done = agentdb(project, server, file)
    assert done.returncode == 3
    assert (
        done.stderr.startswith("agentdb: ")
        and "002_bad" in done.stderr
        and 'column "nope" does not exist' in done.stderr
    )


def test_a_kept_database_can_be_entered(project: Path, server: SandboxServer) -> None:
    file = put(project, "002_t.sql", "CREATE TABLE t AS SELECT 5 AS n;")
    done = agentdb(project, server, file, "--keep", "--format", "json")
    name = json.loads(done.stdout)["kept"].split("-d ")[1]
    from agentdb.tools.databases.postgres import connect

    with connect(server.dsn.with_database(name)) as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (5,)
    server.execute(f"DROP DATABASE {name}")


def test_flags_that_exclude_each_other(project: Path, server: SandboxServer) -> None:
    file = put(project, "002_t.sql", "SELECT 1;")
    assert agentdb(project, server, file, "--target", "prod", "--replay").returncode == 2
