"""agentdb check --fix from the command line: shown first, written only when proven, never over what is applied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentdb.cli.app import main
from agentdb.tools.sandbox.server import SandboxServer

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint);\n"
INDEX = "-- purpose: lists\n\nCREATE INDEX by_customer ON orders (customer);\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: SandboxServer) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_URL", server.dsn.reveal())
    (tmp_path / "agentdb.toml").write_text(
        '[project]\nname = "shop"\n[sandbox]\nserver_dsn_env = "SANDBOX_URL"\n[hazards]\nfail_on = "error"\n'
    )
    for folder, name, text in (("applied", "001_orders", TABLE), ("pending", "002_lists", INDEX)):
        path = tmp_path / "migrations" / folder / f"{name}.sql"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = 0
    try:
        main(["check", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    told = capsys.readouterr()
    return code, told.out + told.err


def test_a_proven_rewrite_is_shown_and_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "migrations/pending/002_lists.sql"
    code, out = run(capsys, "--fix", "--dry-run")
    assert code == 0
    assert "1 hazard with a known form: 1 offered, 1 proven, 0 refused" in out
    assert "+CREATE INDEX CONCURRENTLY by_customer ON orders (customer);" in out
    assert file.read_text() == INDEX
    code, out = run(capsys, "--fix", "--format", "json")
    told = json.loads(out)
    assert (code, told["counts"]["proven"]) == (0, 1)
    assert told["files"][0]["written"] == ["002_lists.sql"]
    assert told["files"][0]["blocked_after"] == ["OTHER DDL on public.orders"]
    assert file.read_text() == "-- agentdb: no-transaction\n" + INDEX.replace("INDEX by", "INDEX CONCURRENTLY by")


def test_an_applied_migration_is_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied = project / "migrations/applied/002_lists.sql"
    (project / "migrations/pending/002_lists.sql").rename(applied)
    code, out = run(capsys, "--fix", str(applied))
    assert code == 1
    assert "refused: it is applied, and an applied migration never changes" in out
    assert applied.read_text() == INDEX


def test_the_sarif_carries_the_fix(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, "--fix", "--dry-run", "--format", "sarif")
    [result] = json.loads(out)["runs"][0]["results"]
    [change] = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "migrations/pending/002_lists.sql"
    assert "CONCURRENTLY" in change["replacements"][0]["insertedContent"]["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dry-run",), "--dry-run goes with --fix"),
        (("--fix", "--static"), "--fix needs the sandbox"),
        (("--fix", "--format", "junit"), "--fix does not print 'junit'"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, out = run(capsys, *arguments)
    assert code == 2
    assert words in out


def test_without_the_schema_before_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: SandboxServer
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    (tmp_path / "lists.sql").write_text(INDEX)
    code, out = run(capsys, "--fix", "lists.sql")
    assert code == 1
    assert "the schema before is not known" in " ".join(out.split())
