"""agentdb check and explain: files, folders, projects, the sandbox, exit codes and messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

Run = Any


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("AGENTDB_", "OPENAI_"))]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(list(arguments))
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def put(path: str, sql: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(sql, encoding="utf-8")
    return path


def project(toml: str = "") -> None:
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("agentdb.toml").write_text(toml or '[targets.prod]\ndsn_env = "SHOP_URL"\n')


def findings(run: Run, *arguments: str) -> list[tuple[str, int, str, str]]:
    code, out, err = run("check", "--format", "json", *arguments)
    assert code in (0, 1), err
    return [(f["file"], f["line"], f["rule"], f["proof"]) for f in json.loads(out)["findings"]]


# -- plain files


def test_a_file_outside_of_a_project(run: Run) -> None:
    put("a.sql", "DROP TABLE orders;\n")
    code, out, _ = run("check", "--static", "a.sql")
    assert code == 1
    assert out.startswith("FAIL  1 file, 1 statements: 1 error, 1 info (read, not run, PostgreSQL 18)\n")
    assert "a.sql\n  1: error ban-drop-table" in out
    assert "Advice (1)\n  a.sql:1 require-lock-timeout" in out
    put("b.sql", "SELECT 1;\n")
    assert run("check", "--static", "b.sql")[:2] == (
        0,
        "PASS  1 file, 1 statements: nothing found (read, not run, PostgreSQL 18)\n",
    )


def test_the_json_says_everything_and_its_version(run: Run) -> None:
    put("a.sql", "-- agentdb: ignore ban-truncate test rows\nTRUNCATE a;\nDROP TABLE b;\n")
    code, out, _ = run("check", "--static", "--format", "json", "--pg-version", "16", "a.sql")
    told = json.loads(out)
    assert code == 1
    assert {k: told[k] for k in ("schema_version", "command", "verdict", "fail_on", "pg_version", "measured")} == {
        "schema_version": 1,
        "command": "check",
        "verdict": "fail",
        "fail_on": "error",
        "pg_version": 16,
        "measured": False,
    }
    assert told["counts"] == {
        "files": 1,
        "statements": 2,
        "findings": 2,
        "by_severity": {"error": 1, "warning": 0, "info": 1},
        "by_proof": {"CONFIRMED": 0, "REFUTED": 0, "UNKNOWN": 2},
        "ignored": 1,
    }
    drop = next(f for f in told["findings"] if f["rule"] == "ban-drop-table")
    assert set(drop) == {
        *("id", "rule", "severity", "proof", "file", "line", "statement", "title", "why", "fix", "objects"),
        *("evidence", "ignored", "rewrite"),
    }
    assert (drop["id"], drop["line"], drop["statement"], drop["objects"]) == ("F-3", 3, 1, ["b"])
    assert [f["ignored"] for f in told["ignored"]] == ["test rows"]


@pytest.mark.parametrize(
    ("fail_on", "sql", "code"),
    [
        ("error", "DROP VIEW v;", 0),
        ("warning", "DROP VIEW v;", 1),
        ("info", "CREATE TABLE t (a int);", 1),
        ("warning", "CREATE TABLE t (a int);", 0),
        ("never", "DROP TABLE t;", 0),
    ],
)
def test_the_exit_code_follows_fail_on(run: Run, fail_on: str, sql: str, code: int) -> None:
    put("a.sql", sql)
    assert run("check", "--static", "--fail-on", fail_on, "a.sql")[0] == code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nope.sql",), "no such file"),
        (("--format", "xml", "a.sql"), "there is no format 'xml'"),
        (("--fail-on", "fatal", "a.sql"), "--fail-on cannot be 'fatal'"),
        (("--enable", "adding-chek", "a.sql"), "Did you mean adding-check?"),
        (("--schema-dir", "nope", "a.sql"), "--schema-dir is not a folder"),
        (("--since", "HEAD", "a.sql"), "git"),
        (("--since", "--output=x", "a.sql"), "is not a git commit"),
    ],
)
def test_what_cannot_be_used_ends_in_one_line_and_exit_code_two(
    run: Run, arguments: tuple[str, ...], says: str
) -> None:
    put("a.sql", "SELECT 1;")
    code, out, err = run("check", "--static", *arguments)
    assert code == 2
    assert out == ""
    assert says in err and err.startswith("agentdb: ") and len(err.splitlines()) <= 2


@pytest.mark.parametrize("arguments", [("--pg-version", "9"), ("--nope",), ("--pg-version", "x"), ("--format",)])
def test_wrong_options_are_left_to_the_whole_command_line(run: Run, arguments: tuple[str, ...]) -> None:
    put("a.sql", "SELECT 1;")
    code, _, err = run("check", "a.sql", *arguments)
    assert code == 2
    assert "Usage: " in err or "requires an argument" in err


def test_help_names_every_option(run: Run) -> None:
    code, out, _ = run("check", "--help")
    assert code == 0
    for option in (
        *("--static", "--format", "--fail-on", "--in-transaction", "--no-transaction", "--pg-version"),
        *("--schema-dir", "--target", "--since", "--enable"),
    ):
        assert option in out


def test_a_folder_is_its_sql_files_without_the_ways_back(run: Run) -> None:
    put("m/001_a.up.sql", "DROP TABLE a;")
    put("m/001_a.down.sql", "DROP TABLE b;")
    put("m/deep/002_c.sql", "DROP TABLE c;")
    put("m/notes.txt", "DROP TABLE d;")
    told = {(f, r) for f, _, r, _ in findings(run, "--static", "m")}
    assert {f for f, r in told if r == "ban-drop-table"} == {"m/001_a.up.sql", "m/deep/002_c.sql"}


def test_files_by_themselves_know_nothing_of_each_other(run: Run) -> None:
    put("a.sql", "CREATE TABLE t (id bigint PRIMARY KEY);")
    put("b.sql", "CREATE INDEX i ON t (id);")
    assert "require-concurrent-index" in [r for _, _, r, _ in findings(run, "--static", "a.sql", "b.sql")]


def test_among_many_files_a_bad_one_is_a_finding(run: Run) -> None:
    put("a.sql", "DROP TABLE t;")
    put("empty.sql", "")
    Path("latin.sql").write_bytes(b"SELECT 1;\nSELECT '\xe9';")
    told = findings(run, "--static", "a.sql", "empty.sql", "latin.sql")
    assert [(f, line, r) for f, line, r, _ in told if f != "a.sql"] == [("latin.sql", 2, "unreadable-file")]


def test_whether_the_runner_opens_a_transaction(run: Run) -> None:
    put("a.sql", "CREATE INDEX CONCURRENTLY i ON t (a);")
    assert findings(run, "--static", "a.sql") == []
    assert findings(run, "--static", "--no-transaction", "a.sql") == []
    told = findings(run, "--static", "--in-transaction", "a.sql")
    assert [r for _, _, r, _ in told] == ["ban-in-transaction"]


def test_the_schema_before_stands_in_a_folder(run: Run) -> None:
    put("a.sql", "ALTER TABLE t ALTER v TYPE text;")
    put("b.sql", "ALTER TABLE t ALTER v TYPE text;")
    put("schema/a.sql", "CREATE TABLE t (v varchar(5));")
    put("schema/base.sql", "CREATE TABLE t (v integer);")
    told = findings(run, "--static", "--schema-dir", "schema", "a.sql", "b.sql")
    assert [(f, r) for f, _, r, _ in told if r.startswith("changing")] == [("b.sql", "changing-column-type")]


def test_changed_files_only(run: Run) -> None:
    for arguments in (("init", "-q", "-b", "main"), ("config", "user.email", "a@b.c"), ("config", "user.name", "a")):
        subprocess.run(["git", *arguments], check=True)
    put("m/old.sql", "DROP TABLE a;")
    put("m/edited.sql", "DROP TABLE b;")
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "-q", "-m", "one"], check=True)
    put("m/edited.sql", "DROP TABLE bb;")
    put("m/new file.sql", "DROP TABLE c;")
    told = {f for f, _, r, _ in findings(run, "--static", "--since", "HEAD", "m") if r == "ban-drop-table"}
    assert told == {"m/edited.sql", "m/new file.sql"}
    code, _, err = run("check", "--static", "--since", "nope", "m")
    assert code == 2 and err.startswith("agentdb: git: ")


# -- in the sandbox


def test_plain_files_are_measured_where_the_schema_is_known(
    run: Run, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    put("a.sql", "ALTER TABLE t ALTER v TYPE text;\nALTER TABLE t ALTER n SET NOT NULL;")
    put("b.sql", "CREATE INDEX i ON t (v);")
    put("schema/base.sql", "CREATE TABLE t (v varchar(5), n int);")
    code, out, _ = run("check", "--format", "json", "--schema-dir", "schema", "a.sql", "b.sql")
    told = json.loads(out)
    assert (code, told["measured"], told["notes"]) == (1, True, [])
    loud = [(f["rule"], f["proof"], f["evidence"]) for f in told["findings"] if f["severity"] == "error"]
    assert loud == [
        ("setting-not-null", "CONFIRMED", ["E-0002"]),
        ("require-concurrent-index", "CONFIRMED", ["E-0003"]),
    ]
    assert [e["id"] for e in told["evidence"]] == ["E-0001", "E-0002", "E-0003"]


def test_without_a_schema_nothing_is_measured_and_it_says_so(run: Run) -> None:
    put("a.sql", "SELECT 1;")
    code, out, _ = run("check", "a.sql")
    assert code == 0
    assert "Not measured: the schema before is not known" in out


def test_a_schema_that_does_not_build_is_a_note(
    run: Run, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    put("a.sql", "DROP TABLE t;")
    put("schema/a.sql", "CREATE TABLE t (v nonsense);")
    code, out, _ = run("check", "--schema-dir", "schema", "a.sql")
    assert code == 1
    assert "Not measured: a.sql: the schema before does not build: " in out


# -- a project


def test_the_pending_migrations_are_one_change(run: Run) -> None:
    project()
    put("migrations/applied/001_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY, v varchar(5));")
    put("migrations/pending/002_b.sql", "CREATE TABLE b (id bigint PRIMARY KEY);")
    put("migrations/pending/003_c.sql", "CREATE INDEX b_i ON b (id);\nALTER TABLE a ALTER v TYPE varchar(9);")
    put("migrations/pending/004_d.sql", "CREATE INDEX a_i ON a (v);")
    assert findings(run, "--static") == [
        ("migrations/pending/004_d.sql", 1, "require-concurrent-index", "UNKNOWN"),
    ]
    put("migrations/pending/004_d.sql", "CREATE INDEX CONCURRENTLY a_i ON a (v);")
    assert findings(run, "--static") == []


def test_a_migration_that_is_named_finds_those_before_it(run: Run) -> None:
    project()
    put("migrations/applied/001_a.sql", "CREATE TABLE a (v integer);")
    put("migrations/pending/002_b.sql", "ALTER TABLE a ALTER v TYPE text;")
    put("migrations/pending/003_c.sql", "ALTER TABLE a ALTER v TYPE varchar;")
    assert findings(run, "--static", "migrations/pending/003_c.sql") == []
    told = findings(run, "--static", "migrations/pending/002_b.sql")
    assert [r for _, _, r, _ in told] == ["changing-column-type"]


def test_the_projects_settings_count(run: Run) -> None:
    project('[hazards]\nfail_on = "warning"\npg_version = 15\n[hazards.severity]\nban-drop-table = "info"\n')
    put("migrations/pending/001_a.sql", "DROP TABLE a;")
    code, out, _ = run("check", "--static", "--format", "json")
    told = json.loads(out)
    assert (code, told["pg_version"], told["fail_on"]) == (0, 15, "warning")
    assert [f["severity"] for f in told["findings"]] == ["info"]
    Path("agentdb.toml").write_text('[hazards.severity]\nban-drop-tabel = "off"\n')
    code, _, err = run("check", "--static")
    assert code == 2
    assert "Did you mean ban-drop-table?" in err


def test_pending_migrations_are_measured_one_after_the_other(
    run: Run, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    project("[sandbox]\nrows = 12\n")
    put("migrations/applied/001_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY, v text);")
    put(
        "migrations/pending/002_b.sql",
        "CREATE TABLE b (id bigint PRIMARY KEY);\nALTER TABLE a ADD CHECK (length(v) > 999);",
    )
    put("migrations/pending/003_c.sql", "CREATE INDEX b_i ON b (id);\nALTER TABLE a DROP COLUMN v;")
    code, out, _ = run("check", "--format", "json")
    told = json.loads(out)
    assert code == 1
    assert [(f["file"], f["line"], f["rule"], f["proof"]) for f in told["findings"]] == [
        ("migrations/pending/002_b.sql", 2, "adding-check", "CONFIRMED"),
        ("migrations/pending/003_c.sql", 2, "ban-drop-column", "CONFIRMED"),
    ]
    [note] = told["notes"]
    assert note.startswith("migrations/pending/002_b.sql: depends on the rows that are there")


def test_the_target_gives_schema_and_sizes(
    run: Run, server: SandboxServer, database: SandboxDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connect() as connection:
        connection.execute(b"CREATE TABLE small (id bigint PRIMARY KEY, v varchar(5))")
        connection.execute(b"CREATE TABLE big (id bigint PRIMARY KEY, v varchar(5))")
        connection.execute(b"INSERT INTO big SELECT n FROM generate_series(1, 2000) n")
        connection.execute(b"ANALYZE")
    project('[targets.prod]\ndsn_env = "SHOP_URL"\n')
    monkeypatch.setenv("SHOP_URL", database.dsn.reveal())
    put("x.sql", "CREATE INDEX i ON small (v);\nCREATE INDEX j ON big (v);\nALTER TABLE big ALTER v TYPE text;")
    code, out, _ = run("check", "--format", "json", "--target", "prod", "x.sql")
    told = json.loads(out)
    assert told["measured"], told["notes"]
    loud = [(f["line"], f["rule"], f["severity"], f["proof"]) for f in told["findings"] if "index" in f["rule"]]
    assert loud == [
        (1, "require-concurrent-index", "info", "CONFIRMED"),
        (2, "require-concurrent-index", "warning", "CONFIRMED"),
    ]
    assert code == 0
    assert not [f for f in told["findings"] + told["refuted"] if f["rule"].startswith("changing")], "the type is known"


# -- explain, and the way in


def test_explain_prints_a_rules_record(run: Run) -> None:
    code, out, _ = run("explain", "adding-check")
    assert code == 0
    assert out.startswith("adding-check (error, all versions of PostgreSQL)\n")
    assert "ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT VALID;" in out
    code, _, err = run("explain", "adding-chek")
    assert code == 2
    assert "there is no rule 'adding-chek'" in err and "Did you mean adding-check" in err
    code, out, _ = run("explain")
    assert code == 0 and "require-concurrent-index" in out


def test_a_check_by_reading_loads_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("DROP TABLE a;")
    code = (
        "import sys\nfrom agentdb.cli.app import main\n"
        "try:\n    main(['check', '--static', 'a.sql'])\nexcept SystemExit: pass\n"
        "heavy = {'psycopg', 'langgraph', 'langchain', 'sqlglot', 'pydantic', 'rich', 'openai'}\n"
        "print('LOADED', sorted(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout.endswith("LOADED []\n")
