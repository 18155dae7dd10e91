"""agentdb conflicts, as a person or a pipeline meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentdb.cli.app import main
from agentdb.cli.outputs import FORMATS
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


@pytest.mark.parametrize(
    "arguments",
    [("--base", "nowhere"), ("--format", "xml"), ("--fix", "--format", "json"), ("--offline", "--target", "x")],
)
def test_wrong_use_is_one_clear_line(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(BAD, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("agentdb: ") and "Traceback" not in err
