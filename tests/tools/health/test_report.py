from __future__ import annotations

import json

import psycopg
import pytest

from agentdb.errors import ConfigError, DatabaseError
from agentdb.tools.databases import queries
from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.health.reading import Reader
from agentdb.tools.health.registry import Ask, Check, checks, limits_of
from agentdb.tools.health.report import answered, health
from agentdb.tools.health.result import Outcome, Status, ok
from agentdb.tools.records import to_plain
from agentdb.tools.sandbox.databases import SandboxDatabase

SHOP = """
CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer bigint NOT NULL REFERENCES customer (id),
                     total numeric(10, 2) CHECK (total >= 0), placed timestamptz DEFAULT now());
CREATE INDEX orders_customer ON orders (customer);
CREATE VIEW totals AS SELECT customer, sum(total) FROM orders GROUP BY customer;
INSERT INTO customer (email) SELECT 'c' || i || '@example.org' FROM generate_series(1, 200) i;
INSERT INTO orders (customer, total) SELECT 1 + i % 200, i FROM generate_series(1, 1000) i;
"""


def test_a_healthy_small_database_raises_no_alarm(database: SandboxDatabase, conn: Connection) -> None:
    conn.execute("CREATE EXTENSION pg_stat_statements")
    conn.execute(SHOP)
    found = health(conn)
    assert [(c.id, c.summary) for c in found.checks if c.status is not Status.OK] == []
    assert found.verdict == f"healthy: {len(found.checks)} checks, nothing to say"


def test_an_empty_database_raises_no_alarm_but_says_what_nobody_counts(conn: Connection) -> None:
    found = health(conn)
    assert [c.id for c in found.checks if c.status is not Status.OK] == ["slow-statements"]
    assert found.status is Status.UNKNOWN
    assert "could not be answered" in found.verdict


def test_every_check_is_a_file_a_query_and_a_title() -> None:
    found = checks()
    assert len(found) >= 16
    for entry in found:
        assert entry.function.__module__.rsplit(".", 1)[1] == entry.id.replace("-", "_")
        assert queries.load("postgres", entry.query).startswith("-- ")
        assert entry.title and entry.question.endswith("?") and entry.source
        for limit in entry.limits.values():
            assert limit.meaning and limit.source


def test_the_report_is_plain_json(conn: Connection) -> None:
    conn.execute(SHOP)
    plain = json.loads(json.dumps(to_plain(health(conn))))
    assert plain["schema_version"] == 1
    assert {c["status"] for c in plain["checks"]} <= {"ok", "unknown", "warn", "bad"}


def test_a_role_that_may_read_nothing_never_gets_ok_for_what_it_cannot_see(
    database: SandboxDatabase, conn: Connection, lone_role: str
) -> None:
    conn.execute("CREATE EXTENSION pg_stat_statements")
    conn.execute("CREATE SEQUENCE hidden; SELECT nextval('hidden')")
    dsn = database.dsn
    with (
        psycopg.connect(dsn.reveal(), application_name="someone else"),
        connect(type(dsn)(f"{dsn.reveal()} user={lone_role}")) as lone,
    ):
        found = health(lone)
    assert found.server.sees_sessions is False
    unknown = {c.id for c in found.unanswered}
    assert {"long-transactions", "sequence-exhaustion", "slow-statements"} <= unknown
    assert "grant pg_read_all_stats" in found.check("long-transactions").summary


def test_a_check_that_breaks_is_unknown_and_the_others_go_on(conn: Connection) -> None:
    def breaks(ask: Ask) -> Outcome:
        ask.reader.select("SELECT 1/0 AS x")
        return ok("never reached")

    def runs(ask: Ask) -> Outcome:
        return ok(str(ask.reader.select("SELECT 1 AS x")))

    reader = Reader(conn)
    server = reader.server()
    results = []
    for function in (breaks, runs):
        entry = Check("made-up", "t", "q?", "s", {}, function)
        results.append(answered(entry, Ask("", reader, server, {})))
    assert (results[0].status, results[0].summary) == (
        Status.UNKNOWN,
        "a value of a row made the query fail (SQLSTATE 22012)",
    )
    assert results[1].status is Status.OK


def test_a_slow_question_is_unknown_after_the_timeout(conn: Connection) -> None:
    def slow(ask: Ask) -> Outcome:
        return ok(str(ask.reader.select("SELECT pg_sleep(60) IS NULL AS x")))

    reader = Reader(conn, statement_timeout_ms=20)
    result = answered(Check("made-up", "t", "q?", "s", {}, slow), Ask("", reader, reader.server(), {}))
    assert (result.status, result.summary) == (Status.UNKNOWN, "no answer within the statement timeout")


def test_questions_cannot_write_nor_carry_a_second_statement(conn: Connection) -> None:
    conn.execute("CREATE TABLE t (x int)")
    reader = Reader(conn)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.select("INSERT INTO public.t VALUES (1) RETURNING x")
    with pytest.raises(psycopg.errors.SyntaxError):
        reader.select("SELECT 1 AS x; COMMIT; INSERT INTO public.t VALUES (1)")
    assert conn.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_objects_of_the_database_cannot_stand_in_for_system_ones(conn: Connection) -> None:
    conn.execute("CREATE VIEW pg_prepared_xacts AS SELECT 'forged' AS gid")
    conn.execute("CREATE TEMP VIEW pg_locks AS SELECT 1 AS pid")
    conn.execute("SET search_path = public, pg_catalog")
    found = health(conn, only=["prepared-transactions", "blocking-chains"])
    assert [c.status for c in found.checks] == [Status.OK, Status.OK]


def test_the_session_keeps_its_own_settings(conn: Connection) -> None:
    conn.execute("SET statement_timeout = '17s'")
    health(conn)
    assert conn.execute("SHOW statement_timeout").fetchone() == ("17s",)
    assert conn.execute("SHOW transaction_read_only").fetchone() == ("off",)


def test_a_connection_in_a_transaction_is_refused(conn: Connection) -> None:
    conn.execute("BEGIN")
    with pytest.raises(DatabaseError, match="in a transaction"):
        health(conn)


def test_health_does_not_wait_behind_an_exclusive_lock(database: SandboxDatabase, conn: Connection) -> None:
    conn.execute("CREATE EXTENSION pg_stat_statements")
    conn.execute(SHOP)
    conn.execute("CREATE INDEX again ON orders ((total + 1)) WHERE total > 3")
    conn.execute("ALTER TABLE customer ADD CONSTRAINT c CHECK (id > 0) NOT VALID")
    with database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE orders, customer IN ACCESS EXCLUSIVE MODE")
        found = health(conn)
    assert [c.id for c in found.unanswered] == []


def test_unknown_checks_and_limits_are_told_with_the_nearest_name(conn: Connection) -> None:
    with pytest.raises(ConfigError, match="did you mean 'unused-indexes'"):
        health(conn, only=["unused-index"])
    with pytest.raises(ConfigError, match="has no limit 'warn_secs'"):
        health(conn, limits={"long-transactions": {"warn_secs": 1}})


def test_given_limits_come_before_the_defaults() -> None:
    entry = next(c for c in checks() if c.id == "connections")
    assert limits_of(entry, {"connections": {"warn_ratio": 0.5}}) == {"warn_ratio": 0.5, "bad_ratio": 0.95}


def test_rows_are_cut_and_their_number_kept(conn: Connection) -> None:
    conn.execute("CREATE TABLE t (x int)")
    for i in range(4):
        conn.execute(f"CREATE INDEX again_{i} ON t (x)")
    (result,) = health(conn, only=["duplicate-indexes"], max_rows=2).checks
    assert (len(result.rows), result.total) == (2, 3)
