"""agentdb check --queries and agentdb test --queries: what a migration does to the application's queries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main

SETUP = "CREATE TABLE orders (id bigint PRIMARY KEY, total int, note text);\n"
MIGRATION = """\
ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'eu';
ALTER TABLE orders DROP COLUMN total;
"""
QUERIES = {
    "report.sql": "SELECT sum(total) FROM orders;\nSELECT * FROM orders WHERE id = $1;\n",
    "new.sql": "SELECT region FROM orders;\n",
    "odd.sql": "SELECT :name FROM orders;\n",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command line in a project without a target: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("migrations/applied/001_orders.sql").write_text(SETUP)
    Path("migrations/pending/002_region.sql").write_text(MIGRATION)
    Path("queries").mkdir()
    for name, text in QUERIES.items():
        Path("queries", name).write_text(text)
    Path("agentdb.toml").write_text('[project]\nname = "shop"\n')

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


EXPECTED = [
    ("breaking-prepared-statement", "warning", "CONFIRMED"),
    ("breaking-query", "error", "CONFIRMED"),
    ("changing-query-result", "warning", "CONFIRMED"),
    ("needing-new-schema", "info", "CONFIRMED"),
]


def of_queries(found: list[Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (f["rule"], f["severity"], f["proof"]) for f in found if f["rule"] in {rule for rule, _, _ in EXPECTED}
    )


def test_check_with_a_folder_of_queries(run: Any) -> None:
    code, out, err = run("check", "--queries", "queries", "--format", "json")
    assert code == 1, err
    told = json.loads(out)
    assert of_queries(told["findings"]) == EXPECTED
    assert [f["line"] for f in told["findings"] if f["rule"] == "breaking-query"] == [2]
    evidence = {e["id"]: e for e in told["evidence"]}
    cached = next(f for f in told["findings"] if f["rule"] == "breaking-prepared-statement")
    assert evidence[cached["evidence"][0]]["result"]["sqlstate"] == "0A000"
    assert "Application: 3 queries prepared on 2 schemas (before, 002_region); 1 left out." in told["notes"]
    assert (
        "Left out: queries/odd.sql:1: PostgreSQL does not understand it; write placeholders as $1, $2." in told["notes"]
    )


def test_the_settings_name_the_folder(run: Any) -> None:
    Path("agentdb.toml").write_text('[hazards]\nqueries = "queries"\n')
    assert len(of_queries(json.loads(run("check", "--format", "json")[1])["findings"])) == 4
    assert of_queries(json.loads(run("check", "--static", "--format", "json")[1])["findings"]) == []
    Path("agentdb.toml").write_text('[hazards]\nqueries = "nowhere"\n')
    code, _, err = run("check", "--format", "json")
    assert code == 2 and "hazards.queries is not a folder" in err


def test_files_by_themselves(run: Any) -> None:
    Path("alone").mkdir()
    Path("alone/a.sql").write_text("ALTER TABLE orders DROP COLUMN total;\n")
    Path("schema").mkdir()
    Path("schema/a.sql").write_text(SETUP)
    code, out, err = run("check", "--schema-dir", "schema", "--queries", "queries", "--format", "json", "alone/a.sql")
    assert code == 1, err
    assert ("breaking-query", "error", "CONFIRMED") in of_queries(json.loads(out)["findings"])


def test_agentdb_test_tells_it_too(run: Any) -> None:
    path = "migrations/pending/002_region.sql"
    _, out, err = run("test", path, "--replay", "--queries", "queries", "--format", "json")
    told = json.loads(out)
    assert of_queries(told["application"]["findings"]) == EXPECTED, err
    shown = run("test", path, "--replay", "--queries", "queries")[1]
    assert "breaking-query" in shown and 'column "total" does not exist' in shown
    assert "application" not in json.loads(run("test", path, "--replay", "--format", "json")[1])
