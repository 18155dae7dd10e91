"""A migration that would copy more than the project allows does not reach the target."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.errors import RefusedError
from agentdb.tools.ledger.execute import Limits

UP = "ALTER TABLE t DROP COLUMN note;\n"
CAPTURE = (
    "CREATE SCHEMA IF NOT EXISTS agentdb_archive;\n"
    "CREATE TABLE agentdb_archive.m001_t AS SELECT was.id, was.note FROM ONLY public.t AS was;\n"
)


@pytest.fixture
def large(project: Any) -> Any:
    with project.database.connect() as conn:
        conn.execute("CREATE TABLE t AS SELECT g AS id, repeat('n', 100) AS note FROM generate_series(1, 5000) AS g")
        conn.execute("ANALYZE t")
    project.write("001_note", UP, "ALTER TABLE t ADD COLUMN note text;\n", CAPTURE)
    return project


def test_above_the_limit_it_is_refused_before_anything_runs(large: Any) -> None:
    approval = large.approve(large.plan("001_note"))
    with pytest.raises(
        RefusedError, match=r"001_note would copy up to \d+ kB .* public\.t.*max_copy is 100 kB"
    ) as caught:
        large.apply("001_note", limits=Limits(max_copy=100 * 1024))
    assert (caught.value.reason, caught.value.exit_code) == ("copy-too-large", 4)
    assert "agentdb rollback set-aside" in caught.value.hint
    assert large.ask("SELECT to_regnamespace('agentdb_archive') IS NULL AND to_regclass('agentdb.history') IS NULL")
    assert large.ask("SELECT count(note) FROM t") == 5000
    from agentdb.tools.ledger.apply import apply

    assert apply(large.request(approval)).done[0].status == "applied"  # within the limit, and the approval unused


def test_a_trial_run_is_refused_too(large: Any) -> None:
    with pytest.raises(RefusedError, match="would copy"):
        large.apply("001_note", limits=Limits(max_copy=1024), dry_run=True)


def test_a_migration_that_keeps_nothing_has_no_limit(large: Any) -> None:
    (large.layout.rollback / "001_note.capture.sql").unlink()
    assert large.apply("001_note", limits=Limits(max_copy=0)).done[0].status == "applied"
