"""agentdb rollback draft and check: files, exit codes, and the interface for other runners."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

Run = Any


@pytest.fixture
def run(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command line in a project of two migrations: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("AGENTDB_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("agentdb.toml").write_text("[sandbox]\nrows = 4\n")
    Path("migrations/applied/001_people.sql").write_text(
        "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL);\n"
    )
    Path("migrations/pending/002_age.sql").write_text("ALTER TABLE people DROP COLUMN name;\n")

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(list(arguments))
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


PENDING = "migrations/pending/002_age.sql"
WRITTEN = Path("migrations/rollback/002_age.sql")


def test_a_draft_is_proven_and_written_beside_the_migrations(run: Run) -> None:
    code, out, err = run("rollback", "draft", PENDING, "--replay")
    assert (code, err) == (0, "")
    assert out.startswith("SCHEMA_ONLY: after writes under the new schema the rollback stops")
    text = WRITTEN.read_text()
    assert text.startswith(
        "-- Rollback of 002_age\n--\n-- Undoes: ALTER TABLE people.name\n-- Certificate: SCHEMA_ONLY"
    )
    assert "CREATE TABLE agentdb_archive.m002_people AS" in Path("migrations/rollback/002_age.capture.sql").read_text()
    assert run("rollback", "draft", PENDING, "--replay")[0] == 0  # the same text again

    WRITTEN.write_text("ALTER TABLE people ADD COLUMN name text NOT NULL DEFAULT '';\n")
    code, _, err = run("rollback", "draft", PENDING, "--replay")
    assert (code, "there is another rollback already" in err, "--force" in err) == (2, True, True)
    assert run("rollback", "draft", PENDING, "--replay", "--force")[0] == 0
    assert WRITTEN.read_text() == text


def test_a_check_certifies_what_is_there(run: Run) -> None:
    code, _, err = run("rollback", "check", PENDING, "--replay")
    assert (code, "has no rollback to check" in err) == (2, True)
    WRITTEN.write_text("ALTER TABLE people ADD COLUMN name text NOT NULL DEFAULT '';\n")
    code, out, _ = run("rollback", "check", PENDING, "--replay")
    assert code == 3
    assert out.startswith("IMPOSSIBLE: the schema does not return: column public.people.name: default differ")
    WRITTEN.write_text(
        "ALTER TABLE people ADD COLUMN name text NOT NULL DEFAULT ''; ALTER TABLE people ALTER name DROP DEFAULT;\n"
    )
    code, out, _ = run("rollback", "check", PENDING, "--replay", "--format", "json")
    found = json.loads(out)["certificate"]
    assert (code, found["klass"], found["losses"][0]["columns"]) == (1, "LOSSY", ["name"])


def test_a_private_database_and_plain_files_will_do(
    run: Run, database: SandboxDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with database.connect() as conn:
        conn.execute("CREATE TABLE people (id int PRIMARY KEY, age int); INSERT INTO people VALUES (1, 10), (2, 20)")
    monkeypatch.setenv("RB_DSN", database.dsn.reveal())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    Path("0007_older.up.sql").write_text("UPDATE people SET age = age + 1;\n")
    code, out, err = run(
        "rollback", "draft", "0007_older.up.sql", "--dsn-env", "RB_DSN", "--out", "down.sql", "--pre", "pre.sql"
    )
    assert (code, err) == (0, "")
    assert out.startswith("LOSSLESS")
    with database.connect() as conn:
        conn.execute("TRUNCATE people; INSERT INTO people VALUES (1, 10), (2, 20)")
        conn.execute(Path("pre.sql").read_text().encode())
        conn.execute(Path("0007_older.up.sql").read_text().encode())
        conn.execute(f"BEGIN; {Path('down.sql').read_text()}; COMMIT".encode())
        assert conn.execute("SELECT id, age FROM people ORDER BY id").fetchall() == [(1, 10), (2, 20)]


def test_the_schema_alone_when_asked(run: Run) -> None:
    Path(PENDING).write_text("DROP TABLE people;\n")
    code, out, _ = run("rollback", "draft", PENDING, "--replay", "--no-data")
    assert (code, out.split(":")[0]) == (0, "LOSSY")
    assert "not brought back: public.people: no copy is kept: the migration drops it" in out
    assert not Path("migrations/rollback/002_age.capture.sql").exists()


def test_what_excludes_what_is_told(run: Run) -> None:
    code, _, err = run("rollback", "draft", PENDING, "--replay", "--target", "prod")
    assert (code, "exclude each other" in err) == (2, True)
    code, _, err = run("rollback", "draft", "nosuch.sql", "--replay")
    assert (code, "there is no such file" in err) == (2, True)
