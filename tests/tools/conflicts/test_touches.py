from __future__ import annotations

import pytest

from agentdb.tools.conflicts.touches import touched


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "ALTER TABLE public.orders ALTER COLUMN total TYPE numeric",
            {"uses table orders", "changes column orders.total"},
        ),
        ("ALTER TABLE b.orders DROP COLUMN IF EXISTS x", {"uses table b.orders", "drops column b.orders.x"}),
        ("ALTER TABLE t ADD COLUMN a mood", {"uses table t", "creates column t.a", "uses type mood"}),
        ("ALTER TABLE t DISABLE ROW LEVEL SECURITY", {"uses table t", "changes row security on t"}),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)",
            {"uses table t", "creates constraint f on t", "uses column t.a", "uses table u", "uses column u.id"},
        ),
        ("CREATE INDEX i ON s.t (a)", {"creates index s.i", "uses table s.t", "uses column s.t.a"}),
        ("UPDATE t SET a = 1", {"changes the data of t.a", "uses column t.a", "uses table t"}),
        ("TRUNCATE t", {"changes the rows of t", "uses table t"}),
        ("ALTER TABLE t RENAME TO u", {"drops table t", "creates table u"}),
        ("ALTER TABLE t RENAME a TO b", {"uses table t", "drops column t.a", "creates column t.b"}),
        ("ALTER TYPE mood ADD VALUE 'x'", {"uses type mood", "creates value x of mood"}),
        ("CREATE FUNCTION f(a int, OUT b int) LANGUAGE sql AS 'select 1'", {"creates function f(int4)"}),
        ("DROP FUNCTION f(int)", {"drops function f(int4)"}),
        ("DROP TRIGGER g ON t", {"drops trigger g on t"}),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()",
            {"creates trigger g on t", "uses table t", "uses function f"},
        ),
        ("CREATE VIEW v AS WITH w AS (SELECT 1) SELECT * FROM t, w", {"creates view v", "uses table t"}),
        (
            "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0))",
            {"creates table t", "creates column t.a", "creates constraint c on t"},
        ),
        ("GRANT SELECT ON t TO joe", {"uses table t"}),
        ("CREATE TEMP TABLE t (a int); INSERT INTO t SELECT 1", set()),
    ],
)
def test_statement_tells_what_it_touches(sql: str, told: set[str]) -> None:
    assert {f"{t.action} {t.label}" for t in touched(sql).touches} == told


@pytest.mark.parametrize("sql", ["DO $$ BEGIN END $$", "CALL p()", "EXECUTE x"])
def test_statement_whose_effect_cannot_be_read_is_said_to_be_so(sql: str) -> None:
    assert touched(f"SELECT 1;\n{sql};").opaque == (2,)


def test_broken_sql_still_tells_of_its_sound_statements() -> None:
    found = touched("CREATE TABLE t (a int);\nCREATE TABEL u ();")
    assert "line 2" in found.broken
    assert "creates table t" in {f"{t.action} {t.label}" for t in found.touches}


def test_if_exists_makes_a_touch_tolerant() -> None:
    (drop,) = touched("DROP TABLE IF EXISTS t").touches
    assert drop.tolerant
