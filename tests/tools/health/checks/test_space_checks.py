from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.health.report import health
from agentdb.tools.health.result import CheckResult, Status
from agentdb.tools.sandbox.databases import SandboxDatabase

Asked = Callable[..., Any]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def own_tables(found: CheckResult) -> list[Mapping[str, Any]]:
    """The rows about tables that the test made: the server's shared catalogs have dead rows of their own, from
    databases and roles that other tests made and dropped."""
    return [row for row in found.rows if row["schema"] == "public"]


FLUSH = "SELECT pg_stat_force_next_flush()"


def test_a_table_whose_rows_went_is_bloated_and_a_full_one_is_not(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE full_one (id int, small bool, big bigint, word text, empty text)",
        "INSERT INTO full_one SELECT i, true, i, repeat('w', i % 40), NULL FROM generate_series(1, 30000) i",
        "CREATE TABLE hollow AS SELECT * FROM full_one",
        "DELETE FROM hollow WHERE id % 5 > 0",
        "VACUUM ANALYZE full_one",
        "VACUUM ANALYZE hollow",
    )
    found = ask("table-bloat", min_bytes=1024)
    assert found.status is Status.WARN
    (row,) = found.rows
    assert row["table"] == "hollow"
    assert 0.7 < row["ratio"] < 0.85
    assert ask("table-bloat", min_bytes=1024, bad_bytes=1024).status is Status.BAD
    assert ask("table-bloat").status is Status.OK  # too small to matter


def test_the_estimate_stays_near_zero_for_tables_without_waste(conn: Connection, ask: Asked) -> None:
    """The rows that the estimate finds hardest: alignment gaps, nulls, wide and empty values, fillfactor."""
    shapes = {
        "gaps": ("a bool, b bigint, c bool, d bigint", "true, i, false, i"),
        "nulls": (
            "a int, b text, c text, d int, e int, f int, g int, h int, i int",
            "i, NULL, NULL, i, NULL, i, i, i, i",
        ),
        "words": ("a int, b text", "i, repeat('x', i % 90)"),
        "money": ("a numeric, b timestamptz, c uuid", "i * 1.5, now(), gen_random_uuid()"),
        "loose": ("a int, b text", "i, 'abcdef'"),
        "one": ("a int", "i"),
    }
    for name, (columns, values) in shapes.items():
        option = " WITH (fillfactor = 60)" if name == "loose" else ""
        run(
            conn,
            f"CREATE TABLE {name} ({columns}){option}",
            f"INSERT INTO {name} SELECT {values} FROM generate_series(1, 12000) i",
            f"VACUUM ANALYZE {name}",
        )
    found = ask("table-bloat", min_bytes=0, warn_ratio=0)
    ratios = {r["table"]: round(r["ratio"], 2) for r in found.rows}
    assert set(ratios) == set(shapes)
    assert max(ratios.values()) <= 0.2, ratios


def test_a_large_table_without_readable_statistics_is_unknown(
    conn: Connection, database: SandboxDatabase, ask: Asked, lone_role: str
) -> None:
    run(conn, "CREATE TABLE t AS SELECT i, 'x' || i AS x FROM generate_series(1, 2000) i", "VACUUM ANALYZE t")
    assert ask("table-bloat", min_bytes=8192).status is Status.OK
    with connect(type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")) as lone:
        (found,) = health(lone, only=["table-bloat"], limits={"table-bloat": {"min_bytes": 8192}}).checks
    assert (found.status, found.summary) == (Status.UNKNOWN, "no readable statistics for 1 large table: public.t")


def test_dead_rows_beyond_autovacuums_own_threshold_are_told(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (id int)",
        "INSERT INTO t SELECT generate_series(1, 1000)",
        "VACUUM ANALYZE t",
        "UPDATE t SET id = id + 1",
        "UPDATE t SET id = id + 1",
        FLUSH,
    )
    assert ask("autovacuum-behind").status is Status.OK
    found = ask("autovacuum-behind", min_dead_rows=100)
    assert found.status is Status.WARN
    (row,) = own_tables(found)
    assert (row["table"], row["starts_at"]) == ("t", 250)  # 50 + 0.2 * 1000
    run(conn, "ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 2.5, autovacuum_vacuum_threshold = 100)")
    assert own_tables(ask("autovacuum-behind", min_dead_rows=100)) == []
    run(conn, *found.advice[0].sql.splitlines(), FLUSH, "ALTER TABLE t RESET (autovacuum_vacuum_scale_factor)")
    assert own_tables(ask("autovacuum-behind", min_dead_rows=1)) == []


def test_autovacuum_switched_off_is_told_for_a_table_and_for_the_server(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (id int) WITH (autovacuum_enabled = false)",
        "INSERT INTO t SELECT generate_series(1, 500)",
        "ANALYZE t",
    )
    small = ask("autovacuum-disabled")
    assert (small.status, small.summary) == (Status.OK, "autovacuum is on, save on 1 small table")
    found = ask("autovacuum-disabled", min_rows=500)
    assert found.status is Status.WARN
    run(conn, found.advice[0].sql)
    assert ask("autovacuum-disabled", min_rows=500).summary == "autovacuum is on"
    run(conn, "SET track_counts = off")
    assert health(conn, only=["autovacuum-disabled"]).checks[0].status is Status.BAD


def test_statistics_that_are_missing_or_old_are_told(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (id int)", "INSERT INTO t SELECT generate_series(1, 100)", FLUSH)
    assert ask("stale-statistics").status is Status.OK
    never = ask("stale-statistics", min_rows=100)
    assert never.status is Status.WARN and never.rows[0]["never"]
    run(conn, never.advice[0].sql, FLUSH)
    assert ask("stale-statistics", min_rows=100).status is Status.OK
    run(conn, "UPDATE t SET id = id + 1 WHERE id <= 60", FLUSH)
    old = ask("stale-statistics", min_rows=100)
    assert (old.status, old.rows[0]["never"], old.rows[0]["changed"]) == (Status.WARN, False, 60)


def test_blocks_read_from_outside_lower_the_hit_ratio(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE EXTENSION pg_buffercache", "CREATE TABLE t AS SELECT generate_series(1, 90000) x", FLUSH)
    assert ask("cache-hit-ratio", min_blocks=0, warn_ratio=0).status is Status.OK
    run(
        conn,
        "SELECT pg_buffercache_evict_relation('t')",
        "SELECT pg_stat_reset()",
        "SELECT count(*) FROM t",
        FLUSH,
    )
    found = ask("cache-hit-ratio", min_blocks=100)
    assert found.status is Status.WARN and "came from shared buffers (32MB)" in found.summary
    assert ask("cache-hit-ratio").summary.startswith("too little traffic to judge")


def test_the_statement_that_takes_the_time_is_shown_without_its_values(
    conn: Connection, ask: Asked, lone_role: str
) -> None:
    assert ask("slow-statements").status is Status.UNKNOWN
    run(
        conn,
        "CREATE SCHEMA tools",
        "CREATE EXTENSION pg_stat_statements SCHEMA tools",
        "SELECT tools.pg_stat_statements_reset()",
        "SELECT count(*), 'secret' FROM generate_series(1, 200000) i WHERE i % 7 = 4711",
    )
    quiet = ask("slow-statements")
    assert quiet.status is Status.OK and "nothing stands out" in quiet.summary
    assert "4711" not in str(quiet) and "secret" not in str(quiet)
    found = ask("slow-statements", warn_mean_ms=0, warn_calls=1, warn_share=0)
    assert found.status is Status.WARN
    assert found.rows[0]["query"].startswith("SELECT count(*), $1 FROM generate_series")
