"""Looking at a run: what slash commands print and tools read, from the state alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from agentdb.errors import UsageError
from agentdb.graph import looking, triaging
from agentdb.tools.files import Layout

STATE: dict[str, Any] = {
    "run": {"target": {"name": "prod", "environment": "prod"}},
    "verdict": {"word": "blocked", "reasons": ["1 error (F-2)"], "do": ["mend it"], "exit_code": 1},
    "migrations": [
        {"label": "003_index", "path": "migrations/pending/003_index.sql"},
        {"label": "012_drop", "path": "migrations/pending/012_drop.sql"},
    ],
    "statements": [{"migration": "003_index", "line": 1, "kind": "INSERT", "sql": "INSERT INTO t VALUES ($1)"}],
    "findings": [
        {"id": "F-1", "severity": "info", "path": "a.sql", "line": 0, "rule": "r", "title": "T.", "why": "W.", "fix": "",
         "proof": "REFUTED", "evidence": [], "ignored": ""},
        {"id": "F-2", "severity": "error", "path": "a.sql", "line": 3, "rule": "require-concurrent-index", "title": "T2.",
         "why": "W2.", "fix": "Do this.", "proof": "CONFIRMED", "evidence": ["E-0001"], "ignored": ""},
    ],
    "evidence": {"E-0001": {"id": "E-0001", "summary": "line 3: SHARE on orders", "server": "PostgreSQL 18.6"}},
    "rollbacks": [{"label": "003_index", "path": "migrations/rollback/003_index.sql", "class": "LOSSLESS", "proven": True,
                   "reason": "all returns", "losses": [{"table": "t", "columns": ["c"], "why": "gone"}], "differences": []}],
    "changes": [{"id": "S-1", "line": "index i added"}],
    "health": {"problem": "", "checks": [{"id": "H-1", "check": "c", "title": "Title", "status": "warn"}]},
}  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for path, text in {
        "migrations/pending/003_index.sql": "CREATE INDEX i ON t (c);\n",
        "migrations/pending/012_drop.sql": "DROP TABLE t;\n",
        "migrations/rollback/003_index.sql": "DROP INDEX i;\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Layout(tmp_path)


@pytest.mark.parametrize("typed", ["F-2", "f-2", "2", "F2", "[F-2]."])
def test_a_finding_is_found_however_its_id_is_typed(typed: str) -> None:
    shown = looking.finding(STATE, typed)
    for part in ("F-2 error: T2.", "a.sql:3", "W2.", "Do this.", "seen to happen", "E-0001 line 3: SHARE on orders"):
        assert part in shown


@pytest.mark.parametrize(("typed", "hint"), [("F-3", "did you mean"), ("moon", ""), ("", "")])
def test_what_is_not_there_is_said_with_the_nearest(typed: str, hint: str) -> None:
    with pytest.raises(UsageError, match="there is no finding") as error:
        looking.finding(STATE, typed)
    assert hint in str(error.value)


@pytest.mark.parametrize("which", ["3", "003", "003_index", "index", "migrations/pending/003_index.sql"])
def test_a_migration_is_found_by_number_name_or_path(which: str, layout: Layout) -> None:
    assert "CREATE INDEX i" in looking.sql(STATE, layout, which) and "DROP TABLE" not in looking.sql(
        STATE, layout, which
    )
    if "/" not in which:
        assert "DROP INDEX i;" in looking.rollback(STATE, layout, which)


def test_everything_is_shown_without_a_choice_and_nothing_invented(layout: Layout) -> None:
    assert looking.sql(STATE, layout).count("-- migrations/pending/") == 2
    with pytest.raises(UsageError, match="there is no migration 99"):
        looking.sql(STATE, layout, "99")
    assert "does not come back: t (c). gone" in looking.rollback(STATE, layout)
    assert looking.report(STATE).startswith("Verdict: blocked\n  1 error (F-2)")
    assert looking.ids_of(STATE) == {"F-1", "F-2", "S-1", "H-1", "R-1", "E-0001"}
    for empty in (looking.findings, looking.diff, looking.rollbacks, looking.notes, looking.health, looking.report):
        assert empty({})


def test_a_migration_that_was_applied_since_is_still_shown(layout: Layout) -> None:
    layout.applied.mkdir()
    (layout.pending / "012_drop.sql").rename(layout.applied / "012_drop.sql")
    assert "DROP TABLE t;" in looking.sql(STATE, layout, "12")


def test_a_rule_is_explained_with_an_example() -> None:
    assert "CONCURRENTLY" in looking.explain("require-concurrent-index")
    with pytest.raises(UsageError, match="there is no rule"):
        looking.explain("require-concurent-index")


def test_what_a_model_may_call_can_reach_no_database() -> None:
    """The tools of both talks live in two modules that import nothing that opens a connection, and take no SQL."""
    for module in (looking, triaging):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not [
            m
            for m in imported
            if any(word in m for word in ("databases", "psycopg", "ledger", "sandbox", "subprocess"))
        ]
        names = {a.arg for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) for a in n.args.args}
        assert not names & {"sql", "query", "statement", "command"}
