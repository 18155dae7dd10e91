"""agentdb check --data: rows are counted on the target when that is allowed, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.tools.sandbox.databases import SandboxDatabase

SETUP = """
CREATE TABLE orders (id bigint PRIMARY KEY, note text, kept text, total int);
INSERT INTO orders VALUES (1, NULL, 'a', 5), (2, 'x', 'b', 5), (3, NULL, NULL, 7);
ANALYZE orders;
"""
MIGRATION = """\
ALTER TABLE orders ALTER COLUMN note SET NOT NULL;
ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0);
ALTER TABLE orders DROP COLUMN kept;
UPDATE orders SET total = 1;
CREATE UNIQUE INDEX orders_total ON orders (total);
"""


@pytest.fixture
def check(
    tmp_path: Path, database: SandboxDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run `agentdb check --static` in a project with a target: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_URL", database.dsn.reveal())
    with database.connect() as conn:
        conn.execute(SETUP)
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("migrations/pending/001_rules.sql").write_text(MIGRATION)
    Path("agentdb.toml").write_text('[targets.prod]\ndsn_env = "SHOP_URL"\n')

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["check", "--static", *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def of_rows(out: str) -> list[tuple[int, str, str, str]]:
    told = json.loads(out)
    rules = ("violated-precondition", "unasked-precondition", "losing-values")
    listed = [*told["findings"], *told["refuted"]]
    return [(f["line"], f["rule"], f["severity"], f["proof"]) for f in listed if f["rule"] in rules]


def test_the_rows_are_counted_and_told(check: Any) -> None:
    code, out, _ = check("--target", "prod", "--data", "--format", "json")
    assert code == 1
    assert sorted(of_rows(out)) == [
        (1, "violated-precondition", "error", "CONFIRMED"),
        (2, "violated-precondition", "error", "REFUTED"),
        (3, "losing-values", "info", "CONFIRMED"),
        (5, "unasked-precondition", "info", "UNKNOWN"),
    ]
    told = json.loads(out)
    evidence = {e["id"]: e for e in told["evidence"]}
    violated = next(f for f in told["findings"] if f["rule"] == "violated-precondition")
    assert violated["evidence"] == ["P-0001"]
    assert evidence["P-0001"]["result"] == {"kind": "nulls", "state": "violated", "count": 2, "at_least": False}
    assert evidence["P-0001"]["command"] == (
        "SELECT count(*) AS count FROM (SELECT FROM public.orders AS orders WHERE note IS NULL LIMIT 1001) found"
    )
    unknown = next(f for f in told["findings"] if f["rule"] == "unasked-precondition")
    assert "an earlier statement changes it (migrations/pending/001_rules.sql:4)" in unknown["why"]


def test_nothing_is_asked_without_leave(check: Any) -> None:
    assert of_rows(check("--target", "prod", "--format", "json")[1]) == []
    Path("agentdb.toml").write_text('[targets.prod]\ndsn_env = "SHOP_URL"\ndata_checks = true\n')
    assert of_rows(check("--target", "prod", "--format", "json")[1]) == []  # --static looks at files only
    assert len(of_rows(check("--data", "--format", "json")[1])) == 4


def test_a_pending_file_before_it_is_considered(check: Any) -> None:
    Path("migrations/pending/002_again.sql").write_text("ALTER TABLE orders ALTER COLUMN total SET NOT NULL;\n")
    out = check("--data", "--format", "json", "migrations/pending/002_again.sql")[1]
    assert of_rows(out) == [(1, "unasked-precondition", "info", "UNKNOWN")]


def test_a_target_is_needed(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_URL")
    code, _, err = check("--data")
    assert code == 2 and "--data counts rows on a target, and none is known" in err


def test_a_target_that_does_not_answer_is_one_clear_error(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    code, out, err = check("--data")
    assert code == 3 and "nothing listens there" in err and "secret" not in out + err


def test_apply_asks_again_where_it_may(check: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings = '[approval.required]\ndev = false\n[targets.prod]\ndsn_env = "SHOP_URL"\nenvironment = "dev"\n'
    Path("agentdb.toml").write_text(settings)

    def apply(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["apply", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().err

    code, said = apply("--data")
    assert code == 4 and "rows of public.orders with NULL in note: 2" in said and "Nothing was run." in said
    assert apply("--no-data")[0] == 3  # the statement itself fails, and is undone
    Path("agentdb.toml").write_text(settings + "data_checks = true\n")
    assert apply()[0] == 4
