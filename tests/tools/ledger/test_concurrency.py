"""Locks, other sessions, poolers: what happens around an apply on a server that is not alone."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import pytest
from support.pooler import Pooler

from agentdb.errors import DatabaseError, RefusedError
from agentdb.tools.ledger import lock
from agentdb.tools.ledger.apply import apply
from agentdb.tools.ledger.execute import Limits
from agentdb.tools.ledger.status import State

HERE = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
BUILDING = f"{HERE} AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"


def wait_for(conn: Any, sql: str) -> Any:
    """The first value of a query, asked again until there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = conn.execute(sql.encode()).fetchone()
        if row:
            return row[0]
    raise AssertionError(f"never true: {sql}")


def test_eight_processes_apply_an_approved_plan_exactly_once(together: Any) -> None:
    approval = together.approve()
    racing = [together.begin(approval) for _ in range(8)]
    for process, _ in racing:
        process.join(120)
    told = [json.loads(result.read_text()) for _, result in racing]
    assert sum("done" in t for t in told) == 1, told
    assert {t.get("reason") for t in told if "done" not in t} == {"replayed"}, told
    together.assert_all_applied(["001", "002"])
    assert len(together.runs()) == 2


def test_an_index_is_built_concurrently_while_others_wait_for_our_lock(apart: Any) -> None:
    """The lock's session is idle outside a transaction and waiters poll: nothing for CONCURRENTLY to wait for."""
    waiting: list[Any] = []

    def join_in(point: str) -> None:
        if point == "under-way-1":
            waiting.extend(apart.begin(approval) for _ in range(2))
            with apart.database.connect() as conn:
                wait_for(conn, f"{HERE} AND query LIKE 'SELECT pg_try_advisory_lock%'")

    approval = apart.approve()
    apply(apart.request(approval, checkpoint=join_in))
    for process, _ in waiting:
        process.join(60)
    assert [json.loads(r.read_text())["reason"] for _, r in waiting] == ["replayed", "replayed"]
    apart.assert_all_applied(["001"])


def test_a_transaction_that_meets_a_lock_is_tried_again_as_a_whole(together: Any) -> None:
    retries: list[str] = []

    def release(point: str) -> None:
        if point.startswith("retry-"):
            retries.append(point)
            if point == "retry-2":
                blocker.execute("COMMIT")

    with together.database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        result = apply(together.request(together.approve(), checkpoint=release))
    assert retries == ["retry-1", "retry-2"]
    assert [d.attempts for d in result.done] == [3, 1]
    together.assert_all_applied(["001", "002"])


def test_after_the_last_attempt_the_lock_is_named_and_nothing_is_left(together: Any) -> None:
    naps: list[float] = []
    limits = Limits(lock_timeout="10ms", lock_attempts=4, retry_seconds=1.0)
    with together.database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseError, match="statement 3 of 3 failed: 55P03"):
            apply(together.request(together.approve(), limits=limits, sleep=naps.append))
    assert len(naps) == 3 and all(0.5 <= nap <= 6 for nap in naps)
    assert together.ask("SELECT to_regclass('added') IS NULL AND NOT EXISTS (SELECT FROM ran)")
    assert together.truth()["001_split"].state is State.FAILED


def test_only_locks_are_tried_again(project: Any) -> None:
    project.write("001_bad", "SELECT 1/0;\n")
    points: list[str] = []
    with pytest.raises(DatabaseError):
        apply(project.request(project.approve(), checkpoint=points.append))
    assert not [p for p in points if p.startswith("retry")]


def test_a_statement_that_takes_too_long_is_ended(project: Any) -> None:
    project.write("001_slow", "CREATE TABLE a (id int);\nSELECT pg_sleep(3600);\n")
    with pytest.raises(DatabaseError, match="57014"):
        apply(project.request(project.approve(), limits=Limits(statement_timeout="50ms")))
    assert project.ask("SELECT to_regclass('a') IS NULL")


def test_a_session_that_outlives_its_client_is_seen_and_waited_for(apart: Any) -> None:
    approval = apart.approve()
    with apart.database.connect() as blocker, apart.database.connect() as watcher:
        blocker.execute("BEGIN")
        blocker.execute("INSERT INTO t VALUES (2, 'two')")  # CREATE INDEX CONCURRENTLY waits for it
        process, _ = apart.begin(approval)
        pid = wait_for(watcher, BUILDING)
        process.kill()
        process.join(60)
        found = apart.truth()["001_apart"]
        assert found.state is State.RUNNING and str(pid) in found.line and "statement 2 of 4" in found.line
        with pytest.raises(RefusedError) as caught:
            apply(apart.request(approval, resume=True, limits=Limits(lock_wait_seconds=0)))
        assert caught.value.reason == "locked"
        blocker.execute("COMMIT")
        wait_for(watcher, f"SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")
    found = apart.truth()["001_apart"]
    assert found.state is State.INTERRUPTED and "index t_id is there and valid" in found.line
    apart.go_on(approval)
    apart.assert_all_applied(["001"])


def test_a_transaction_ends_with_its_client(project: Any) -> None:
    project.write("001_slow", "CREATE TABLE a (id int);\nSELECT pg_sleep(3600);\n")
    approval = project.approve()
    with project.database.connect() as watcher:
        process, _ = project.begin(approval)
        pid = wait_for(watcher, f"{HERE} AND query LIKE 'SELECT pg_sleep%'")
        assert project.truth()["001_slow"].state is State.RUNNING
        process.kill()
        process.join(60)
        wait_for(watcher, f"SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")
    found = project.truth()["001_slow"]
    assert found.state is State.INTERRUPTED and "nothing of it is in the database" in found.line
    assert project.ask("SELECT to_regclass('a') IS NULL")


def test_an_index_left_invalid_by_a_crash_is_built_anew(apart: Any) -> None:
    approval = apart.approve()
    with apart.database.connect() as blocker, apart.database.connect() as watcher:
        blocker.execute("BEGIN")
        blocker.execute("INSERT INTO t VALUES (2, 'two')")
        process, _ = apart.begin(approval)
        pid = wait_for(watcher, BUILDING)
        process.kill()
        process.join(60)
        watcher.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        blocker.execute("COMMIT")
    found = apart.truth()["001_apart"]
    assert found.state is State.INTERRUPTED and "INVALID" in found.line
    assert "statement 1, CREATE TABLE added: done; it is there" in found.catalog
    apply(apart.request(approval, resume=True))
    apart.assert_all_applied(["001"])


@pytest.mark.parametrize(("size", "in_turn"), [(1, False), (2, False), (5, True)])
def test_a_pooler_in_between_is_refused_before_anything_is_set(project: Any, size: int, in_turn: bool) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n")
    pooler = Pooler(project.dsn, size, in_turn=in_turn)
    with pytest.raises(RefusedError) as caught:
        apply(project.request(project.approve(), dsn=pooler.dsn))
    pooler.close()
    assert caught.value.reason == "pooler"
    assert "server itself" in caught.value.hint
    assert project.ask("SELECT to_regnamespace('agentdb') IS NULL")


def test_a_lock_that_was_lost_ends_the_work_before_it_begins(project: Any) -> None:
    def lose(point: str) -> None:
        if point == "begun-001_a":
            with project.database.connect() as conn:
                holder = next(h for h in lock.holders(conn) if not h.is_worker)
                conn.execute("SELECT pg_terminate_backend(%s, 10000)", (holder.pid,))

    project.write("001_a", "CREATE TABLE a (id int);\n")
    with pytest.raises(DatabaseError):
        apply(project.request(project.approve(), checkpoint=lose))
    assert project.ask("SELECT to_regclass('a') IS NULL")
    assert project.truth()["001_a"].state is State.INTERRUPTED


def test_the_lock_is_free_again_after_success_and_after_failure(project: Any) -> None:
    path = project.write("001_a", "SELECT 1/0;\n")
    with pytest.raises(DatabaseError):
        project.apply()
    path.write_text("CREATE TABLE a (id int);\n")
    at_once = dataclasses.replace(project.request(None).limits, lock_wait_seconds=5)
    apply(project.request(project.approve(), limits=at_once))
    with project.database.connect() as conn:
        wait_for(conn, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
