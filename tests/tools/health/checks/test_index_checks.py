from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.health.result import Status
from agentdb.tools.sandbox.databases import SandboxDatabase

Asked = Callable[..., Any]
Waiting = Callable[[Connection, str], int]
Session = Callable[[], Connection]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def test_a_failed_unique_build_is_bad_and_its_advice_mends_it(conn: Connection, ask: Asked) -> None:
    run(conn, 'CREATE TABLE "Order" (id int, code text)', "INSERT INTO \"Order\" VALUES (1, 'a'), (2, 'a')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(conn, 'CREATE UNIQUE INDEX CONCURRENTLY "Code" ON "Order" (code)')
    found = ask("invalid-indexes")
    assert found.status is Status.BAD
    assert found.rows[0]["index"] == "Code" and found.rows[0]["is_unique"]
    run(conn, 'DELETE FROM "Order" WHERE id = 2', *found.advice[0].sql.splitlines())
    assert ask("invalid-indexes").status is Status.OK


def test_a_build_that_was_cut_off_is_told(conn: Connection, session: Session, waiting: Waiting, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (x int)")
    holder, builder = session(), session()
    run(holder, "BEGIN", "INSERT INTO t VALUES (1)")
    pid = waiting(builder, "CREATE INDEX CONCURRENTLY t_x ON t (x)")
    during = ask("invalid-indexes")
    assert (during.status, during.summary) == (Status.OK, "no invalid index; 1 index being built now")
    run(conn, f"SELECT pg_cancel_backend({pid})")
    assert builder.pgconn.get_result() is not None
    after = ask("invalid-indexes")
    assert after.status is Status.WARN
    assert after.advice[0].sql.splitlines() == [
        "DROP INDEX CONCURRENTLY public.t_x;",
        "CREATE INDEX CONCURRENTLY t_x ON public.t USING btree (x);",
    ]


def test_an_index_that_lacks_a_partition_is_not_proposed_for_dropping(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE p (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "CREATE INDEX p_id ON ONLY p (id)",
    )
    found = ask("invalid-indexes")
    assert found.status is Status.WARN
    assert "ATTACH PARTITION" in found.advice[0].sql and "DROP" not in found.advice[0].sql


def pairs(found: Any) -> list[tuple[str, str, str]]:
    return [(r["index"], r["kind"], r["kept"]) for r in found.rows]


def test_duplicates_name_the_one_that_can_go(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int UNIQUE)",
        "CREATE INDEX t_id ON t (id)",
        "CREATE INDEX t_a ON t (a)",
        "CREATE INDEX t_a_again ON t (a)",
        "CREATE INDEX t_a_b ON t (a, b)",
        "CREATE UNIQUE INDEX t_c ON t (c)",
    )
    found = ask("duplicate-indexes")
    assert found.status is Status.WARN
    assert pairs(found) == [
        ("t_a", "redundant", "t_a_b"),
        ("t_a_again", "duplicate", "t_a"),
        ("t_c", "duplicate", "t_c_key"),
        ("t_id", "duplicate", "t_pkey"),
    ]
    for advice in found.advice:
        run(conn, *advice.sql.splitlines())
    assert ask("duplicate-indexes").status is Status.OK


def test_two_unique_constraints_on_the_same_column(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (a int CONSTRAINT one UNIQUE, CONSTRAINT two UNIQUE (a))",
        "CREATE TABLE c (a int REFERENCES t (a))",
    )
    run(conn, "ALTER TABLE t ADD CONSTRAINT three UNIQUE (a)")
    found = ask("duplicate-indexes")
    assert all(
        advice.sql.endswith(f"DROP CONSTRAINT {row['index']};")
        for advice, row in zip(found.advice, found.rows, strict=True)
    )
    for advice in found.advice:
        run(conn, *advice.sql.splitlines())
    assert ask("duplicate-indexes").status is Status.OK


@pytest.mark.parametrize(
    "second",
    [
        "CREATE INDEX b ON t (x DESC)",
        "CREATE INDEX b ON t (x) WHERE x > 0",
        "CREATE INDEX b ON t USING hash (x)",
        "CREATE INDEX b ON t (s text_pattern_ops)",
        "CREATE INDEX b ON t (lower(s))",
        "CREATE UNIQUE INDEX b ON t (x, y) WHERE y > 0",
        "CREATE INDEX b ON t (y, x)",
        'CREATE INDEX b ON t (s COLLATE "POSIX")',
    ],
)
def test_indexes_that_only_look_alike_are_left_alone(conn: Connection, ask: Asked, second: str) -> None:
    run(conn, "CREATE TABLE t (x int, y int, s text)", "CREATE INDEX a ON t (x)", "CREATE INDEX c ON t (s)", second)
    assert pairs(ask("duplicate-indexes")) == []


def test_a_unique_index_is_not_redundant_to_a_longer_one(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (x int, y int)", "CREATE UNIQUE INDEX a ON t (x)", "CREATE INDEX b ON t (x, y)")
    assert pairs(ask("duplicate-indexes")) == []


def test_equal_expression_and_partial_indexes_are_duplicates(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (s text)",
        "CREATE INDEX a ON t (lower(s)) WHERE s <> ''",
        "CREATE INDEX b ON t (lower(s)) WHERE s <> ''",
    )
    assert pairs(ask("duplicate-indexes")) == [("b", "duplicate", "a")]


def test_unused_indexes_are_judged_only_when_counting_is_old_enough(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE t (id int PRIMARY KEY, a int, p int REFERENCES parent (id), u int UNIQUE)",
        "CREATE INDEX t_a ON t (a)",
        "CREATE INDEX t_p ON t (p)",
    )
    young = ask("unused-indexes", min_bytes=0)
    assert young.status is Status.OK and "too short to judge" in young.summary
    found = ask("unused-indexes", min_bytes=0, min_days=0)
    assert found.status is Status.WARN
    assert [r["index"] for r in found.rows] == ["t_a"]
    assert found.advice[0].sql == "DROP INDEX CONCURRENTLY public.t_a;"


def test_an_index_in_use_is_not_told_nor_one_used_on_a_single_partition(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE p (a int) PARTITION BY RANGE (a)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (9) TO (99)",
        "CREATE INDEX p_a ON p (a)",
    )
    assert [r["index"] for r in ask("unused-indexes", min_bytes=0, min_days=0).rows] == ["p_a"]
    run(conn, "SET enable_seqscan = off", "SELECT * FROM p1 WHERE a = 1", "SELECT pg_stat_force_next_flush()")
    assert ask("unused-indexes", min_bytes=0, min_days=0).rows == ()


FK = (
    "CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b))",
    "CREATE TABLE child (x int, a int, b int, FOREIGN KEY (a, b) REFERENCES parent)",
)


def test_a_foreign_key_without_index_on_a_large_table_is_told(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        *FK,
        "INSERT INTO parent VALUES (1, 1)",
        "INSERT INTO child SELECT i, 1, 1 FROM generate_series(1, 100) i",
        "ANALYZE child",
    )
    small = ask("missing-foreign-key-indexes")
    assert (small.status, small.summary) == (
        Status.OK,
        "no foreign key lacks an index on a table that is large enough to matter (1 on small tables)",
    )
    found = ask("missing-foreign-key-indexes", min_rows=100)
    assert found.status is Status.WARN
    assert found.advice[0].sql == "CREATE INDEX CONCURRENTLY ON public.child (a, b);"
    run(conn, found.advice[0].sql)
    assert ask("missing-foreign-key-indexes", min_rows=0).rows == ()


@pytest.mark.parametrize(
    ("index", "serves"),
    [
        ("(b, a)", True),
        ("(a, b, x)", True),
        ("(a, b) WHERE a IS NOT NULL", True),
        ("(a, b) WHERE a IS NOT NULL AND b IS NOT NULL", True),
        ("(a)", False),
        ("(x, a, b)", False),
        ("(a, b) WHERE x > 0", False),
        ("(a) INCLUDE (b)", False),
        ("((a + 0), b)", False),
    ],
)
def test_which_indexes_serve_a_foreign_key(conn: Connection, ask: Asked, index: str, serves: bool) -> None:
    run(conn, *FK, f"CREATE INDEX ON child {index}")
    assert (ask("missing-foreign-key-indexes").rows == ()) is serves


def test_the_foreign_key_of_a_partitioned_table_is_told_once(
    conn: Connection, ask: Asked, database: SandboxDatabase
) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE p (id int, parent int REFERENCES parent (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO p SELECT i, 1 FROM generate_series(1, 50) i",
        "ANALYZE p",
    )
    (row,) = ask("missing-foreign-key-indexes", min_rows=50).rows
    assert (row["table"], row["rows"]) == ("p", 50)
