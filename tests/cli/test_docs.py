"""agentdb docs, as a person or a pipeline meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentdb.cli.app import main
from agentdb.tools.sandbox.server import SandboxServer

Run = Callable[..., tuple[int, str, str]]
USERS = "CREATE TABLE users (id int PRIMARY KEY, mail text);"
ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users);"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (("applied/001_users.sql", USERS), ("pending/002_orders.sql", ORDERS)):
        path = tmp_path / "migrations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "agentdb.toml").write_text("")
    return tmp_path


@pytest.fixture
def run(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: SandboxServer
) -> Iterator[Run]:
    monkeypatch.chdir(project)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())

    def go(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["docs", *arguments])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    yield go


def test_replay_writes_what_the_migrations_make_and_who_made_it(run: Run, project: Path) -> None:
    code, out, _ = run("--replay")
    assert code == 0 and "2 tables" in out
    folder = project / "docs/database"
    page = (folder / "schema/tables/public.orders.md").read_text()
    assert "| user_id | column | `002_orders` |" in page
    assert "## 002_orders" in (folder / "schema/CHANGELOG.md").read_text()
    assert (folder / "snapshots/002.json").is_file()


def test_check_passes_until_the_schema_moves_on(run: Run, project: Path) -> None:
    run()
    assert run("--check")[0] == 0
    (project / "migrations/pending/003_name.sql").write_text("ALTER TABLE users ADD name text;")
    code, out, _ = run("--check")
    assert code == 1
    assert "schema/tables/public.users.md: columns (changed)" in out
    assert "public.orders.md" not in out
    code, out, _ = run("--check", "--format", "json")
    assert code == 1
    assert {"path": "schema/tables/public.users.md", "section": "columns", "reason": "changed"} in json.loads(out)[
        "stale"
    ]


def test_check_writes_nothing(run: Run, project: Path) -> None:
    code, out, _ = run("--check")
    assert code == 1 and "missing" in out
    assert not (project / "docs").exists()


def test_pending_migration_that_does_not_run_ends_the_replay(run: Run, project: Path) -> None:
    (project / "migrations/pending/003_broken.sql").write_text("ALTER TABLE nowhere ADD x int;")
    code, _, err = run()
    assert code == 0
    assert "documented up to 002_orders" in err and "003_broken" in err
    assert run("--check")[0] == 0


def test_applied_migration_that_does_not_run_is_an_error(run: Run, project: Path) -> None:
    (project / "migrations/applied/000_broken.sql").write_text("ALTER TABLE nowhere ADD x int;")
    code, _, err = run()
    assert code == 3 and "--target" in err
    assert not (project / "docs").exists()


def test_target_is_documented_as_it_is(
    run: Run, project: Path, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "agentdb.toml").write_text('[targets.shop]\ndsn_env = "SHOP_URL"\n')
    with server.create() as shop:
        with shop.connect() as connection:
            connection.execute("CREATE TABLE legacy (id int)")
        monkeypatch.setenv("SHOP_URL", shop.dsn.reveal())
        code, out, _ = run("--out", "elsewhere")
        assert code == 0 and "the schema of shop" in out
        assert run("--check", "--out", "elsewhere")[0] == 0
    assert (project / "elsewhere/schema/tables/public.legacy.md").is_file()


def test_wrong_use_is_one_clear_line(run: Run) -> None:
    code, out, err = run("--target", "shop", "--replay")
    assert (code, out) == (2, "") and err.startswith("agentdb: ")
