from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.own_server import own_server, program, until

from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.health.report import health
from agentdb.tools.health.result import Status
from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

Asked = Callable[..., Any]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


@pytest.mark.parametrize(
    ("column", "value", "status"),
    [
        ("serial", 1_500_000_000, Status.OK),
        ("serial", 1_700_000_000, Status.WARN),
        ("serial", 2_000_000_000, Status.BAD),
        ("smallserial", 30_000, Status.BAD),
        ("bigserial", 2_000_000_000, Status.OK),
        ("int GENERATED ALWAYS AS IDENTITY", 2_100_000_000, Status.BAD),
    ],
)
def test_a_key_is_judged_by_the_range_of_its_type(
    conn: Connection, ask: Asked, column: str, value: int, status: Status
) -> None:
    run(conn, f"CREATE TABLE t (id {column} PRIMARY KEY)", f"SELECT setval('t_id_seq', {value})")
    assert ask("sequence-exhaustion").status is status


def test_an_integer_column_ends_before_its_bigint_sequence(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE SEQUENCE shared",
        'CREATE TABLE "T" ("Id" int DEFAULT nextval(\'shared\') PRIMARY KEY)',
        "SELECT setval('shared', 2147483640)",
    )
    found = ask("sequence-exhaustion")
    assert found.status is Status.BAD
    (row,) = found.rows
    assert (row["column_ends_first"], row["values_left"]) == (True, 7)
    assert found.summary == "T.Id (integer) has used 100 %, 7 values left"
    assert found.advice[0].sql.startswith('ALTER TABLE public."T" ADD COLUMN "Id_new" bigint;')
    run(conn, found.advice[1].sql, 'INSERT INTO "T" DEFAULT VALUES')
    assert ask("sequence-exhaustion").status is Status.OK


def test_a_domain_over_integer_has_its_limit_and_a_sequence_may_run_down(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE DOMAIN key AS int",
        "CREATE SEQUENCE s",
        "CREATE TABLE t (id key DEFAULT nextval('s'))",
        "SELECT setval('s', 2147483000)",
        "CREATE SEQUENCE down INCREMENT -1 MINVALUE -100",
        "SELECT setval('down', -95)",
        "CREATE SEQUENCE around MAXVALUE 10 CYCLE",
        "SELECT setval('around', 10)",
    )
    assert {r["sequence"] for r in ask("sequence-exhaustion").rows} == {"s", "down"}


def test_a_sequence_that_may_not_be_read_is_unknown(
    conn: Connection, database: SandboxDatabase, lone_role: str
) -> None:
    run(conn, "CREATE SEQUENCE s", "SELECT setval('s', 9223372036854775807)")
    with connect(type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")) as lone:
        (found,) = health(lone, only=["sequence-exhaustion"]).checks
    assert found.status is Status.UNKNOWN
    assert "may not read 1 sequence: public.s" in found.summary


def test_wraparound_is_seen_before_the_server_stops(tmp_path: Path) -> None:
    """A server whose counters pg_resetwal moved close to the end: 1.7 of 2.1 billion."""
    near = 1_700_000_000

    def age(data: Path, call: Callable[..., None]) -> None:
        call("pg_resetwal", "-x", str(near), "-m", f"{near},1")
        for folder, segment in (("pg_xact", near // (8192 * 4 * 32)), ("pg_multixact/offsets", near // (2048 * 32))):
            file = data / folder / f"{segment:04X}"
            file.write_bytes(bytes(8192 * 32))
            software.runner().own(file)

    # or autovacuum would freeze everything before anyone looks
    late = {
        "autovacuum": "off",
        "autovacuum_freeze_max_age": "2000000000",
        "autovacuum_multixact_freeze_max_age": "2000000000",
    }
    with own_server(late, age) as server, server.create() as database, database.connect() as conn:
        run(conn, "CREATE TABLE t (x int)", "BEGIN")
        run(conn, "COMMIT")
        names = ["transaction-id-wraparound", "multixact-wraparound"]
        ids, multi = sorted(health(conn, only=names).checks, key=lambda c: c.id, reverse=True)
        assert ids.status is Status.BAD and multi.status is Status.BAD
        assert "79 % of the way" in ids.summary and "79 % of the way" in multi.summary
        assert any("VACUUM (FREEZE" in a.sql for a in ids.advice) and "VACUUM (FREEZE" in multi.advice[0].sql
        assert next(r["age"] for r in ids.rows if r["kind"] == "database") >= near - 1000
        limits = {n: {"bad_age": 2e9} for n in names}
        assert {c.status for c in health(conn, only=names, limits=limits).checks} == {Status.WARN}


def test_a_young_server_has_no_wraparound_to_tell(ask: Asked) -> None:
    for name in ("transaction-id-wraparound", "multixact-wraparound"):
        assert (ask(name).status, ask(name).rows) == (Status.OK, ())
    assert ask("transaction-id-wraparound", warn_age=1).status is Status.WARN


def test_a_slot_that_nobody_reads_keeps_wal(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "SELECT pg_create_physical_replication_slot('gone', true)",
        "CREATE TABLE t AS SELECT generate_series(1, 20000) x",
    )
    try:
        assert ask("replication-slots").status is Status.OK
        found = ask("replication-slots", warn_bytes=1024**2)
        assert found.status is Status.WARN and found.rows[0]["slot"] == "gone"
        assert ask("replication-slots", bad_bytes=1024**2).status is Status.BAD
    finally:
        run(conn, *[a.sql for a in ask("replication-slots", warn_bytes=0).advice])
    assert ask("replication-slots").summary == "no replication slot"


def test_a_slot_that_lost_its_wal_is_bad(production: SandboxServer, conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "SELECT pg_create_physical_replication_slot('lost', true)",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'",
        "SELECT pg_reload_conf()",
    )
    try:
        for _ in range(3):
            run(conn, "SELECT pg_switch_wal()", "CREATE TABLE IF NOT EXISTS t (x int)", "INSERT INTO t VALUES (1)")
        until(conn, "SELECT 1 WHERE current_setting('max_slot_wal_keep_size') = '1MB'")
        run(conn, "CHECKPOINT")
        found = ask("replication-slots")
        assert found.status is Status.BAD and found.rows[0]["wal_status"] in ("lost", "unreserved")
    finally:
        run(
            conn,
            "ALTER SYSTEM RESET max_slot_wal_keep_size",
            "SELECT pg_reload_conf()",
            "SELECT pg_drop_replication_slot('lost')",
        )


def test_a_receiver_that_stands_still_is_behind(
    production: SandboxServer, conn: Connection, ask: Asked, tmp_path: Path, database: SandboxDatabase, lone_role: str
) -> None:
    assert ask("replication-lag").summary == "nothing replicates from here"
    place = production.dsn.parts()
    receiver = subprocess.Popen(
        [str(program("pg_receivewal")), "-h", str(place["host"]), "-U", "postgres", "-D", str(tmp_path), "--no-loop"],
        env=software.clean_environment({"PGAPPNAME": "standby"}),
        stderr=subprocess.DEVNULL,
    )
    try:
        until(
            conn,
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sent_lsn = pg_current_wal_flush_lsn()",
        )
        os.kill(receiver.pid, signal.SIGSTOP)
        run(conn, "CREATE TABLE t AS SELECT generate_series(1, 40000) x")
        found = ask("replication-lag", warn_bytes=1024**2)
        assert found.status is Status.WARN and found.summary.startswith("standby is ")
        assert ask("replication-lag", bad_bytes=1024**2).status is Status.BAD
        with connect(type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")) as lone:
            (hidden,) = health(lone, only=["replication-lag"]).checks
        assert hidden.status is Status.UNKNOWN
    finally:
        receiver.kill()
        receiver.wait()
        run(conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
