from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.own_server import own_server, until

from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.health.incident import Certainty, Hypothesis, assess, situation
from agentdb.tools.records import to_plain
from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.databases import SandboxDatabase

Waiting = Callable[[Connection, str], int]
Session = Callable[[], Connection]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def look(database: SandboxDatabase, ledger_rows: Sequence[Any] = ()) -> tuple[Hypothesis, ...]:
    with database.connect() as conn:
        return assess(situation(conn, ledger_rows=ledger_rows))


def actions(found: Hypothesis) -> list[str]:
    return [s.action for s in found.next_steps]


def test_a_quiet_database_gives_no_hypothesis(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, "CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t DEFAULT VALUES", "CREATE INDEX ON t (id)")
    facts = situation(conn)
    assert assess(facts) == () and facts.unanswered == {}
    assert facts.taken_at.endswith("Z")
    assert json.loads(json.dumps(to_plain(facts)))["deadlocks"] == 0


def test_ddl_behind_a_forgotten_transaction(
    database: SandboxDatabase, conn: Connection, session: Session, waiting: Waiting
) -> None:
    run(conn, "CREATE TABLE t (x int)")
    reader, alter, select = session(), session(), session()
    run(reader, "BEGIN", "SELECT * FROM t WHERE x = 4711")
    waiting(alter, "ALTER TABLE t ADD COLUMN y text DEFAULT 'hush'")
    waiting(select, "SELECT count(*) FROM t")
    (found,) = look(database)
    head = f"pid {reader.info.backend_pid} (user postgres, app agentdb sandbox)"
    assert found.title == f"DDL on public.t waits behind a forgotten transaction of {head}, and 1 session behind it"
    assert found.certainty is Certainty.MEASURED
    assert found.because[0].startswith(f"{head} is idle in transaction") and len(found.because) == 3
    assert actions(found) == ["wait", "cancel", "terminate", "retry"]
    assert all(s.risk for s in found.next_steps)
    assert "4711" not in str(found) and "hush" not in str(found)
    # the first remedy: cancelling the DDL lets the reader behind it go on
    run(conn, found.next_steps[1].sql)
    assert until(conn, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted)") == 1
    assert conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (reader.info.backend_pid,)
    ).fetchone() == (1,)
    # the second: ending the idle session
    assert conn.execute(found.next_steps[2].sql.encode()).fetchall() == [(True,)]
    assert look(database) == ()


def test_ddl_behind_a_running_statement_is_not_called_forgotten(
    database: SandboxDatabase, conn: Connection, session: Session, waiting: Waiting
) -> None:
    run(conn, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1)")
    busy = session()
    busy.pgconn.send_query(b"SELECT pg_sleep(600) FROM t")
    until(conn, "SELECT 1 FROM pg_locks WHERE pid = %s AND relation = 't'::regclass", busy.info.backend_pid)
    waiting(session(), "DROP TABLE t")
    (found,) = look(database)
    assert "waits behind a running statement" in found.title
    assert actions(found) == ["wait", "cancel", "cancel", "retry"]
    run(conn, found.next_steps[2].sql)


def test_a_queue_without_ddl(database: SandboxDatabase, conn: Connection, session: Session, waiting: Waiting) -> None:
    run(conn, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1)")
    writer = session()
    run(writer, "BEGIN", "UPDATE t SET x = 2")
    waiting(session(), "UPDATE t SET x = 3")
    (found,) = look(database)
    assert (found.kind, actions(found)) == ("blocked-sessions", ["wait", "terminate"])


def test_a_prepared_transaction_that_blocks_is_finished_by_its_name(
    database: SandboxDatabase, conn: Connection, session: Session, waiting: Waiting
) -> None:
    run(conn, "CREATE TABLE t (x int)", "BEGIN", "LOCK TABLE t", "PREPARE TRANSACTION 'left'")
    try:
        waiting(session(), "ALTER TABLE t ADD y int")
        (found,) = look(database)
        assert "a prepared transaction" in found.title
        assert found.next_steps[2].sql.startswith("ROLLBACK PREPARED 'left';")
    finally:
        run(conn, "ROLLBACK PREPARED 'left'")


def test_a_failed_concurrent_build(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(conn, "CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)")
    (found,) = look(database)
    assert (found.kind, found.certainty) == ("failed-index-build", Certainty.MEASURED)
    assert actions(found) == ["look", "retry", "mend", "roll back"]
    run(conn, "TRUNCATE t", *found.next_steps[1].sql.splitlines())
    assert look(database) == ()


def test_the_migration_that_was_building_the_index_is_named(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(conn, "CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)")
    row = {
        "kind": "apply",
        "version": "007",
        "name": "unique_x",
        "status": "failed",
        "dirty": True,
        "transactional": False,
        "statement_count": 3,
        "statements_done": 1,
        "under_way": {"index": 1, "kind": "CREATE INDEX", "text": "CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)"},
    }
    half, index = look(database, [row])
    assert half.title == "migration 007_unique_x began and did not end"
    assert "1 of 3 statements done" in half.because[0]
    assert actions(half) == ["look", "resume", "roll back"]
    assert index.next_steps[0].command == "agentdb apply --resume"
    assert "migration 007 was building it" in index.because[1]


def test_a_migration_that_is_still_at_work_is_not_called_half_applied(
    database: SandboxDatabase, session: Session
) -> None:
    worker = session()
    row = {"version": "8", "name": "x", "status": "running", "backend_pid": worker.info.backend_pid}
    (found,) = look(database, [row])
    assert (found.kind, actions(found)) == ("migration-under-way", ["wait", "cancel"])
    worker.close()
    with database.connect() as conn:
        until(conn, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", row["backend_pid"])
    (found,) = look(database, [row])
    assert found.kind == "half-applied"


def test_a_key_without_values_left(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, "CREATE TABLE t (id serial PRIMARY KEY)", "SELECT setval('t_id_seq', 2147483647)")
    with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
        run(conn, "INSERT INTO t DEFAULT VALUES")
    (found,) = look(database)
    assert found.title == "public.t.id has run out of values, inserts fail"
    run(conn, found.next_steps[0].sql, "INSERT INTO t DEFAULT VALUES")
    assert look(database) == ()
    run(conn, found.next_steps[1].sql)
    assert conn.execute(
        "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'id'"
    ).fetchone() == ("bigint",)


def test_no_connection_left(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, f"ALTER DATABASE {database.name} CONNECTION LIMIT 2")
    (found,) = look(database)
    assert found.title == f"database {database.name} has no connections left"
    assert actions(found) == ["wait", "terminate"]
    assert conn.execute(found.next_steps[1].sql.encode()).fetchall() == []  # nobody is idle for that long


def test_an_advisory_lock_whose_holder_does_nothing(
    database: SandboxDatabase, session: Session, waiting: Waiting, conn: Connection
) -> None:
    holder = session()
    run(holder, "SELECT pg_advisory_lock(5000000000)")
    assert look(database) == ()
    waiting(session(), "SELECT pg_advisory_lock(5000000000)")
    (found,) = look(database)
    assert found.kind == "stuck-advisory-lock" and found.certainty is Certainty.MEASURED
    assert found.title.startswith(f"advisory lock 5000000000 is held by pid {holder.info.backend_pid}")
    assert conn.execute(found.next_steps[1].sql.encode()).fetchall() == [(True,)]
    until(conn, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
    assert look(database) == ()


def test_a_vacuum_against_wraparound_is_best_left_alone() -> None:
    """A real one: the counters are moved beyond autovacuum_freeze_max_age, and the vacuum is made slow."""
    near = 200_100_000

    def age(data: Path, call: Callable[..., None]) -> None:
        call("pg_resetwal", "-x", str(near))
        file = data / "pg_xact" / f"{near // (8192 * 4 * 32):04X}"
        file.write_bytes(bytes(8192 * 32))
        software.runner().own(file)

    slow = {"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    with own_server(slow, age) as server, connect(server.dsn) as conn:
        until(
            conn,
            "SELECT 1 FROM pg_stat_activity a JOIN pg_stat_progress_vacuum p USING (pid)"
            " WHERE p.datname = current_database() AND a.query LIKE '%%to prevent wraparound)' AND %s",
            True,
        )
        found = [h for h in assess(situation(conn)) if h.kind == "vacuum-against-wraparound"]
        assert found and found[0].certainty is Certainty.MEASURED
        assert actions(found[0])[0] == "wait"


def test_a_role_that_sees_nothing_says_so(database: SandboxDatabase, conn: Connection, lone_role: str) -> None:
    with connect(type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")) as lone:
        found = assess(situation(lone))
    assert [(h.kind, h.certainty) for h in found] == [("blind-spots", Certainty.UNKNOWN)]
    assert found[0].next_steps[0].sql == f"GRANT pg_monitor TO {lone_role};"


def test_a_running_build_is_progress_not_an_incident(
    database: SandboxDatabase, conn: Connection, session: Session, waiting: Waiting
) -> None:
    run(conn, "CREATE TABLE t (x int)")
    writer, builder = session(), session()
    run(writer, "BEGIN", "INSERT INTO t VALUES (1)")
    pid = waiting(builder, "CREATE INDEX CONCURRENTLY t_x ON t (x)")
    facts = situation(conn)
    (row,) = facts.progress
    assert (row["pid"], row["command"], row["relation"], row["waits_for"]) == (
        pid,
        "CREATE INDEX CONCURRENTLY",
        "public.t",
        writer.info.backend_pid,
    )
    assert [h.kind for h in assess(facts)] == ["blocked-sessions"]


def test_the_same_facts_give_the_same_answer(database: SandboxDatabase, conn: Connection) -> None:
    run(conn, "CREATE TABLE t (id serial)", "SELECT setval('t_id_seq', 2147483647)")
    facts = situation(conn)
    assert assess(facts) == assess(facts) != ()
