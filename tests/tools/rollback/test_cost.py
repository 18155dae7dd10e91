"""What a copy will cost, told from the catalogs before it is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentdb.tools.databases.copies import copies_of, words
from agentdb.tools.databases.postgres import Connection
from agentdb.tools.rollback.cost import Rate, calibrated, cost, span
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

CAPTURE = """
LOCK TABLE public.orders IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO agentdb_archive.captures (migration) VALUES ('007');
CREATE TABLE agentdb_archive.m007_orders AS
SELECT was.id, was.note, was.total, was.mood::text AS mood
FROM ONLY public.orders AS was;
INSERT INTO agentdb_archive.tables SELECT '007', 'public.orders', 'm007_orders', count(*) FROM agentdb_archive.m007_orders;
"""
RATE = Rate(row=1e-6, byte=1e-8, rows=1, server="PostgreSQL 18")


@pytest.fixture
def conn(database: SandboxDatabase) -> Iterator[Connection]:
    with database.connect() as made:
        made.execute("CREATE SCHEMA agentdb_archive")
        made.execute("CREATE TYPE mood AS ENUM ('calm', 'busy')")
        made.execute(
            "CREATE TABLE orders AS SELECT g AS id, CASE WHEN g % 4 > 0 THEN md5(g::text) END AS note,"
            " g::numeric / 7 AS total, 'busy'::mood AS mood, repeat('z', 90) AS never FROM generate_series(1, 20000) AS g"
        )
        yield made


def made(conn: Connection) -> tuple[int, int]:
    """(rows, bytes) of the copy, made for real."""
    conn.execute(CAPTURE.split(";")[2].encode())
    row = conn.execute(
        "SELECT count(*), pg_relation_size('agentdb_archive.m007_orders') FROM agentdb_archive.m007_orders"
    )
    rows, size = row.fetchone() or (0, 0)
    return rows, size


def test_rows_and_bytes_are_told_from_statistics_and_come_true(conn: Connection) -> None:
    conn.execute("ANALYZE orders")
    told = cost(conn, CAPTURE, RATE)
    rows, size = made(conn)
    assert told.rows == rows == 20000
    assert 0.9 * size < told.low <= 1.1 * size
    assert told.high == told.low  # nothing is stored out of line
    (table,) = told.tables
    assert (table.copy.source, [c for c, _ in table.copy.columns or ()]) == (
        "public.orders",
        ["id", "note", "total", "mood"],
    )
    assert [(k.mode, k.relations) for k in told.locks] == [("SHARE ROW EXCLUSIVE", ("public.orders",))]


def test_without_statistics_the_table_itself_is_the_bound(conn: Connection) -> None:
    told = cost(conn, CAPTURE, RATE)
    _, size = made(conn)
    assert told.high >= size
    assert not told.tables[0].statistics
    assert any("no statistics" in line for line in told.assumptions)


def test_no_table_is_scanned_for_it(conn: Connection) -> None:
    scans = "SELECT pg_stat_get_numscans('orders'::regclass) + pg_stat_get_xact_numscans('orders'::regclass)"
    conn.execute("ANALYZE orders")
    conn.execute("SELECT pg_stat_force_next_flush()")
    before = conn.execute(scans.encode()).fetchone()
    cost(conn, CAPTURE, RATE)
    conn.execute("SELECT pg_stat_force_next_flush()")
    assert conn.execute(scans.encode()).fetchone() == before
    conn.execute("SELECT count(*) FROM orders")
    conn.execute("SELECT pg_stat_force_next_flush()")
    assert conn.execute(scans.encode()).fetchone() != before


def test_the_time_is_a_range_with_its_assumptions_or_unknown(conn: Connection) -> None:
    conn.execute("ANALYZE orders")
    told = cost(conn, CAPTURE, RATE)
    assert told.seconds is not None and 0 < told.seconds[0] < told.seconds[1]
    assert "PostgreSQL 18" in told.assumptions[0]
    assert cost(conn, CAPTURE).seconds is None
    block = cost(conn, CAPTURE + "DO $$ BEGIN PERFORM 1; END $$;", RATE)
    assert block.seconds is None and "DO" in block.why
    gone = cost(conn, CAPTURE.replace("public.orders AS", "public.nowhere AS"), RATE)
    assert gone.rows is None and gone.seconds is None and "public.nowhere" in gone.why


def test_all_partitions_count(conn: Connection) -> None:
    conn.execute("CREATE TABLE days (day date, value integer) PARTITION BY RANGE (day)")
    for year in (2024, 2025):
        conn.execute(
            f"CREATE TABLE days_{year} PARTITION OF days FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')".encode()
        )
        conn.execute(f"INSERT INTO days SELECT '{year}-03-01', g FROM generate_series(1, 3000) AS g".encode())
    conn.execute("ANALYZE days")
    whole = "CREATE TABLE agentdb_archive.d AS SELECT was.day, was.value FROM public.days AS was"
    assert cost(conn, whole, RATE).rows == 6000


def test_what_is_not_a_plain_copy_counts_as_the_whole_table(conn: Connection) -> None:
    conn.execute("ANALYZE orders")
    for script in (
        "CREATE TABLE agentdb_archive.k AS SELECT id FROM orders WHERE id < 5",
        "CREATE TABLE agentdb_archive.k AS SELECT * FROM public.orders",
        "INSERT INTO agentdb_archive.k SELECT md5(note) FROM orders",
    ):
        (table,) = cost(conn, script, RATE).tables
        assert table.copy.columns is None and table.low > 20000 * 90


def test_what_is_noted_at_commit_is_counted_apart(conn: Connection) -> None:
    settle = (
        "CREATE FUNCTION agentdb_archive.s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " CREATE TABLE agentdb_archive.m007_orders_after AS SELECT 1; RETURN NULL; END $$;"
    )
    assert cost(conn, CAPTURE + settle, RATE).more > 0
    assert cost(conn, CAPTURE, RATE).more == 0


def test_positions_of_sequences_cost_nothing() -> None:
    script = "CREATE TABLE agentdb_archive.m__positions AS SELECT 's' AS name, last_value, is_called FROM public.s"
    assert copies_of(script).copies == ()


def test_the_rate_is_measured_in_the_sandbox(server: SandboxServer) -> None:
    rate = calibrated(server)
    assert rate.row > 0 and rate.byte >= 0
    assert rate.seconds(2_000_000, 0) > rate.seconds(1_000_000, 0)


def test_sizes_and_spans_read_well() -> None:
    assert [words(n) for n in (0, 900, 2048, 1.5 * 1024**2, 600 * 1024**2, 1024**3)] == [
        "0 B",
        "900 B",
        "2 kB",
        "1.5 MB",
        "600 MB",
        "1.0 GB",
    ]
    assert span((0.2, 0.4)) == "under 1 s"
    assert span((4.0, 200.0)) == "4 s to 3 min"
