"""agentdb conflicts, as a person or a pipeline meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentdb.cli.app import main
from agentdb.cli.outputs import FORMATS
from agentdb.tools.ledger import history
from agentdb.tools.naming import checksum
from agentdb.tools.sandbox.server import SandboxServer

Run = Callable[..., tuple[int, str, str]]
BAD = {
    "pending/001_a.sql": "CREATE TABLE a (id int, x int);",
    "pending/001_b.sql": "CREATE TABLE b (id int);",
    "rollback/001_b.sql": "DROP TABLE b;",
}


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: SandboxServer
) -> Run:
    """run(files, *arguments) in a project with these migrations: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    (tmp_path / "agentdb.toml").write_text("")

    def go(files: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
        for name, text in files.items():
            path = tmp_path / "migrations" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["conflicts", *arguments])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return go


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder / "migrations").as_posix() for p in (folder / "migrations").rglob("*.sql")}


def test_healthy_project_passes(run: Run) -> None:
    code, out, _ = run({"pending/001_a.sql": "CREATE TABLE a (id int);"})
    assert code == 0 and "no conflicts" in out


def test_conflict_fails_and_says_what_to_do(run: Run) -> None:
    code, out, _ = run(BAD)
    assert code == 1
    assert "conflict-duplicate-number" in out and "agentdb conflicts --fix" in out


def test_warning_alone_does_not_fail(run: Run) -> None:
    code, out, _ = run({"pending/001_a.sql": "CREATE TABLE a ();", "pending/003_b.sql": "CREATE TABLE b ();"})
    assert code == 0 and "Number 002 is missing" in out


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_the_conflict(run: Run, form: str) -> None:
    code, out, _ = run(BAD, "--format", form)
    assert code == 1
    assert "conflict-duplicate-number" in out and "001_b.sql" in out
    if form == "json":
        assert json.loads(out)["command"] == "conflicts"


def test_fix_shows_its_plan_and_does_nothing_when_nobody_can_be_asked(run: Run, tmp_path: Path) -> None:
    code, out, err = run(BAD, "--fix")
    assert code == 1
    assert "002_b.sql" in out and "--yes" in err
    assert names(tmp_path) == set(BAD)


def test_fix_with_yes_renames_and_passes(run: Run, tmp_path: Path) -> None:
    code, _, _ = run(BAD, "--fix", "--yes")
    assert code == 0
    assert names(tmp_path) == {"pending/001_a.sql", "pending/002_b.sql", "rollback/002_b.sql"}


def test_what_renaming_cannot_settle_still_fails_after_a_fix(run: Run) -> None:
    again = {**BAD, "pending/001_b.sql": "CREATE TABLE a (id int);"}
    code, out, _ = run(again, "--fix", "--yes")
    assert code == 1 and "left for a person" in out


def test_proof_refutes_a_conflict_that_is_none(run: Run) -> None:
    files = {
        "applied/001_a.sql": "CREATE TABLE a (id int, x int);",
        "pending/002_b.sql": "ALTER TABLE a ALTER x SET NOT NULL;",
        "pending/003_c.sql": "ALTER TABLE a ALTER x SET DEFAULT 1;",
    }
    code, out, _ = run(files, "--prove")
    assert code == 0
    assert "REFUTED E-0001" in out and "COMMUTES" in out


ROW = """INSERT INTO agentdb.history (kind, number, version, name, checksum, checksum_version, status, transactional,
    statement_count, who, plan_sha256, environment, system_identifier, database, fingerprint_before, shape_before, sql,
    agentdb_version)
VALUES ('apply', 1, '001', 'a', %s, 1, 'applied', true, 1, 'me', '', 'dev', '', '', '', '', '', '')"""


def test_applied_file_that_was_edited_is_found_in_the_ledger(
    run: Run, server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "CREATE TABLE a (id int);"
    files = {"applied/001_a.sql": sql, "pending/002_b.sql": "CREATE TABLE b (id int);"}
    with server.create() as target:
        with target.connect() as connection:
            history.install(connection)
            connection.execute(ROW, (checksum(sql),))
        monkeypatch.setenv("SHOP_URL", target.dsn.reveal())
        (tmp_path / "agentdb.toml").write_text('[targets.shop]\ndsn_env = "SHOP_URL"\n')
        code, out, _ = run(files)
        assert code == 0 and "Ledger of shop: 1 applied." in out
        code, out, _ = run({"applied/001_a.sql": sql.replace("int", "bigint")}, "--target", "shop")
        assert code == 1 and "conflict-edited-applied" in out
        assert run({}, "--offline")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [("--base", "nowhere"), ("--format", "xml"), ("--fix", "--format", "json"), ("--offline", "--target", "x")],
)
def test_wrong_use_is_one_clear_line(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(BAD, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("agentdb: ") and "Traceback" not in err
