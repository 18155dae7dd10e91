from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.health.result import Status
from agentdb.tools.health.sessions import chains, tree
from agentdb.tools.sandbox.databases import SandboxDatabase

Asked = Callable[..., Any]
Waiting = Callable[[Connection, str], int]
Session = Callable[[], Connection]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def test_a_forgotten_transaction_is_told_with_its_locks_and_without_its_values(
    conn: Connection, session: Session, ask: Asked
) -> None:
    run(conn, "CREATE TABLE account (id int, iban text)")
    forgetful = session()
    run(forgetful, "BEGIN", "INSERT INTO account VALUES (4711, 'DE02 1203 0000')")
    assert ask("long-transactions").status is Status.OK
    warned = ask("long-transactions", idle_warn_seconds=0)
    assert warned.status is Status.WARN
    (row,) = warned.rows
    assert (row["pid"], row["state"], row["has_written"]) == (forgetful.info.backend_pid, "idle in transaction", True)
    assert row["locks"] == ["RowExclusiveLock on public.account"]
    assert row["query"] == "INSERT INTO account VALUES (?, ?)"
    assert "1203" not in str(warned)
    assert ask("long-transactions", idle_bad_seconds=0).status is Status.BAD
    assert ask("long-transactions", bad_seconds=0).status is Status.BAD


def test_the_advice_ends_exactly_that_session(conn: Connection, session: Session, ask: Asked) -> None:
    forgetful = session()
    run(forgetful, "BEGIN", "SELECT 1")
    (advice,) = ask("long-transactions", idle_warn_seconds=0).advice
    later = advice.sql.replace("= '20", "= '19")  # the same process id, another session
    assert conn.execute(later.encode()).fetchall() == []
    assert conn.execute(advice.sql.encode()).fetchall() == [(True,)]


def test_a_session_that_is_busy_in_an_old_transaction_is_cancelled_not_ended(
    conn: Connection, session: Session, waiting: Waiting, ask: Asked
) -> None:
    holder, busy = session(), session()
    run(conn, "CREATE TABLE t (x int)")
    run(holder, "BEGIN", "LOCK TABLE t")
    pid = waiting(busy, "SELECT * FROM t")
    found = ask("long-transactions", warn_seconds=0)
    (advice,) = [a for a in found.advice if f"pid = {pid} " in a.sql]
    assert "pg_cancel_backend" in advice.sql


def queue(conn: Connection, session: Session, waiting: Waiting) -> tuple[int, int, int]:
    """A reader that forgot its transaction, an ALTER TABLE behind it, a SELECT behind that; their process ids."""
    run(conn, "CREATE TABLE t (x int)")
    reader, alter, select = session(), session(), session()
    run(reader, "BEGIN", "SELECT * FROM t WHERE x = 42")
    second = waiting(alter, "ALTER TABLE t ADD COLUMN y text DEFAULT 'secret'")
    third = waiting(select, "SELECT count(*) FROM t")
    return reader.info.backend_pid, second, third


def test_a_blocking_chain_is_a_tree_with_its_head_first(
    conn: Connection, session: Session, waiting: Waiting, ask: Asked
) -> None:
    reader, alter, select = queue(conn, session, waiting)
    assert ask("blocking-chains", warn_seconds=3600).status is Status.OK
    found = ask("blocking-chains", warn_seconds=0)
    assert found.status is Status.WARN
    assert [(r["pid"], r["depth"], r["blocks"]) for r in found.rows] == [(reader, 0, 2), (alter, 1, 1), (select, 2, 0)]
    assert [r["mode"] for r in found.rows] == [None, "AccessExclusiveLock", "AccessShareLock"]
    assert found.rows[1]["query"] == "ALTER TABLE t ADD COLUMN y text DEFAULT ?"
    assert f"pid {reader}" in found.summary and "holds up 2" in found.summary
    assert "pg_terminate_backend" in found.advice[0].sql
    assert ask("blocking-chains", warn_seconds=0, bad_seconds=0).status is Status.BAD
    lines = tree(found.rows)
    assert lines[0].startswith(
        f"pid {reader} (user postgres, app agentdb sandbox) is idle in transaction: SELECT * FROM t WHERE x = ?"
    )
    assert lines[2].startswith(f"    <- pid {select}") and "AccessShareLock on public.t" in lines[2]


def test_a_prepared_transaction_at_the_head_has_no_process(
    conn: Connection, session: Session, waiting: Waiting, ask: Asked
) -> None:
    run(conn, "CREATE TABLE t (x int)", "BEGIN", "LOCK TABLE t", "PREPARE TRANSACTION 'lost'")
    try:
        pid = waiting(session(), "SELECT * FROM t")
        found = ask("blocking-chains", warn_seconds=0)
        assert [(r["pid"], r["depth"]) for r in found.rows] == [(0, 0), (pid, 1)]
        assert "ROLLBACK PREPARED" in found.advice[0].sql
    finally:
        run(conn, "ROLLBACK PREPARED 'lost'")


def test_a_circle_of_waiters_ends() -> None:
    def row(pid: int, *blocked_by: int) -> dict[str, Any]:
        return {"pid": pid, "blocked_by": list(blocked_by), "wait_seconds": 1.0, "query": ""}

    assert [(r["pid"], r["depth"]) for r in chains([row(3, 1), row(1, 2), row(2, 3)])] == [(1, 0), (3, 1), (2, 2)]
    assert [(r["pid"], r["depth"]) for r in chains([row(7, 7)])] == [(7, 0)]
    assert chains([]) == []


def test_a_waiting_alter_table_that_stops_readers_is_a_bad_queue(
    conn: Connection, session: Session, waiting: Waiting, ask: Asked
) -> None:
    _, alter, select = queue(conn, session, waiting)
    assert ask("waiting-locks", warn_seconds=3600).status is Status.OK
    found = ask("waiting-locks", warn_seconds=0)
    assert found.status is Status.BAD
    (row,) = found.rows
    assert (row["target"], row["waiting"], row["strongest"]) == ("public.t", 2, "AccessExclusiveLock")
    assert row["held"] == ["AccessShareLock"]
    cancelled = [pid for pid in (alter, select) if str(pid) in found.advice[0].sql]
    assert cancelled == [alter, select]
    conn.execute(found.advice[0].sql.encode())  # cancels the ALTER TABLE; the SELECT goes on
    assert ask("blocking-chains", warn_seconds=0).rows == () or all(
        r["pid"] != alter for r in ask("blocking-chains").rows
    )


def test_one_waiter_for_a_row_is_only_a_warning(
    conn: Connection, session: Session, waiting: Waiting, ask: Asked
) -> None:
    run(conn, "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1)")
    writer, other = session(), session()
    run(writer, "BEGIN", "UPDATE t SET x = 2")
    waiting(other, "UPDATE t SET x = 3")
    found = ask("waiting-locks", warn_seconds=0)
    assert (found.status, found.rows[0]["target"]) == (Status.WARN, "the end of a transaction")
    assert ask("waiting-locks", warn_seconds=0, bad_seconds=0).status is Status.BAD
    assert ask("waiting-locks", warn_seconds=0, bad_queue=1).status is Status.BAD


def test_prepared_transactions_are_told_by_age(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (x int)", "BEGIN", "INSERT INTO t VALUES (1)", "PREPARE TRANSACTION 'it''s lost'")
    try:
        assert ask("prepared-transactions").status is Status.OK
        found = ask("prepared-transactions", warn_seconds=0)
        assert found.status is Status.WARN
        assert ask("prepared-transactions", warn_seconds=0, bad_seconds=0).status is Status.BAD
        assert found.advice[0].sql.startswith("ROLLBACK PREPARED 'it''s lost';")
    finally:
        run(conn, "ROLLBACK PREPARED 'it''s lost'")


def test_connections_near_a_limit_are_told(
    conn: Connection, session: Session, ask: Asked, database: SandboxDatabase
) -> None:
    assert ask("connections").status is Status.OK
    run(conn, f"ALTER DATABASE {database.name} CONNECTION LIMIT 4")
    session(), session()
    found = ask("connections")  # conn, the session that asks, and two more
    assert found.status is Status.BAD
    assert f"database {database.name} uses 4 of 4 connections (100 %); most are of agentdb sandbox" in found.summary
    assert ask("connections", bad_ratio=2).status is Status.WARN
    run(conn, f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
    used = ask("connections").summary.split()[0]
    assert ask("connections", warn_ratio=int(used) / 27).status is Status.WARN


def test_the_server_counts_without_its_reserved_slots(conn: Connection, ask: Asked) -> None:
    assert ask("connections").summary.endswith("of 27 connections in use")  # 30, less 3 for superusers


def test_half_applied_rows_of_the_ledger_are_bad_unless_their_session_still_works(
    conn: Connection, session: Session, ask: Asked
) -> None:
    began = conn.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
    assert began
    done = {"version": "001", "name": "a", "status": "applied"}
    failed_clean = {"version": "002", "name": "b", "status": "failed", "dirty": False}
    alive = {
        "version": "003",
        "name": "c",
        "status": "running",
        "backend_pid": conn.info.backend_pid,
        "backend_start": began[0],
    }
    gone = {**alive, "backend_start": began[0].replace(year=2001), "statement_count": 5, "statements_done": 2}
    half = "half-applied-migrations"
    assert ask(half).status is Status.OK
    assert ask(half, ledger_rows=[done, failed_clean]).status is Status.OK
    assert ask(half, ledger_rows=[done, alive]).summary == "1 migration being applied right now"
    found = ask(half, ledger_rows=[done, gone])
    assert found.status is Status.BAD
    assert found.summary == "1 migration began and did not end: 003 (apply, running, 2 of 5 statements done)"
    assert ask(half, ledger_rows=[{"version": "4", "status": "failed"}]).status is Status.BAD


def test_a_ledger_whose_rows_nobody_read_is_unknown(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE SCHEMA agentdb")
    assert ask("half-applied-migrations").status is Status.UNKNOWN


def test_a_lone_role_still_sees_who_blocks_whom(
    conn: Connection, session: Session, waiting: Waiting, database: SandboxDatabase, lone_role: str
) -> None:
    from agentdb.tools.databases.postgres import connect
    from agentdb.tools.health.report import health

    reader, alter, _ = queue(conn, session, waiting)
    with connect(type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")) as lone:
        found = health(lone, only=["blocking-chains", "waiting-locks"], limits={"blocking-chains": {"warn_seconds": 0}})
    chain = found.check("blocking-chains")
    assert chain.status is Status.WARN
    assert [r["pid"] for r in chain.rows][:2] == [reader, alter]
    assert {r["query"] for r in chain.rows} == {""}


def test_nobody_waits_in_a_quiet_database(ask: Asked) -> None:
    for name in ("blocking-chains", "waiting-locks", "long-transactions", "prepared-transactions"):
        found = ask(name)
        assert (found.status, found.rows) == (Status.OK, ())
