"""What a rollback removes, and which of its statements are only agentdb's own."""

from __future__ import annotations

import pytest

from agentdb.tools.conflicts.touches import touched
from agentdb.tools.emergency.since import Counter, dropped, is_own
from agentdb.tools.rollback.notes import told
from agentdb.tools.sandbox.databases import SandboxDatabase


@pytest.mark.parametrize(
    ("sql", "gone"),
    [
        ("DROP TABLE t", ["table t"]),
        ("ALTER TABLE t DROP COLUMN a", ["column t.a"]),
        ("ALTER TABLE t RENAME COLUMN a TO b", []),
        ("ALTER TABLE t RENAME TO u", []),
        ("ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t DROP COLUMN c", ["column t.c"]),
    ],
)
def test_what_is_only_renamed_does_not_go(sql: str, gone: list[str]) -> None:
    assert [t.label for t in dropped(touched(sql))] == gone


def test_only_the_very_words_of_agentdb_count_as_its_own() -> None:
    own = told("'007_x'").sql
    assert is_own(own, "007_x") and is_own("SET CONSTRAINTS ALL  IMMEDIATE", "007_x")
    assert not is_own(own, "008_y")
    assert not is_own("DO $conflicts$ BEGIN DROP TABLE t; END $conflicts$", "007_x")
    assert not is_own("UPDATE agentdb_archive.captures SET restored_at = evil() WHERE migration = '007_x'", "007_x")


def test_a_count_that_cannot_be_had_says_why(database: SandboxDatabase) -> None:
    with database.connect() as conn, database.connect() as other:
        conn.execute(b"CREATE TABLE t AS SELECT 1 AS a FROM generate_series(1, 3)")
        assert Counter(conn).count("SELECT count(*) FROM t") == (3, "")
        assert Counter(conn, query_ms=50).count("SELECT count(*) FROM t, pg_sleep(5)") == (
            None,
            "counting took too long",
        )
        assert Counter(conn, budget=0).count("SELECT count(*) FROM t") == (None, "no time was left to count")
        other.execute(b"BEGIN")
        other.execute(b"LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        assert Counter(conn).count("SELECT count(*) FROM t") == (None, "the table is locked")
        other.execute(b"ROLLBACK")
        assert Counter(conn).count("SELECT count(*) FROM t") == (3, "")
