from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.health.report import health
from agentdb.tools.health.result import Status
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

Asked = Callable[..., Any]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def test_constraints_that_were_never_validated_are_told_and_the_advice_validates_them(
    conn: Connection, ask: Asked
) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE t (id int, parent int, name text)",
        "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES parent NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT named NOT NULL name NOT VALID",
        "CREATE DOMAIN size AS int",
        "ALTER DOMAIN size ADD CONSTRAINT small CHECK (VALUE < 10) NOT VALID",
    )
    found = ask("unvalidated-constraints")
    assert found.status is Status.WARN
    assert {(r["constraint"], r["kind"]) for r in found.rows} == {
        ("fk", "FOREIGN KEY"),
        ("positive", "CHECK"),
        ("named", "NOT NULL"),
        ("small", "CHECK"),
    }
    run(conn, *[a.sql for a in found.advice])
    assert ask("unvalidated-constraints").rows == ()


def test_a_constraint_that_is_not_enforced_on_purpose_is_no_alarm(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (id int CHECK (id > 0) NOT ENFORCED)")
    found = ask("unvalidated-constraints")
    assert (found.status, found.summary) == (Status.OK, "every constraint is validated (1 NOT ENFORCED by choice)")


def test_a_constraint_of_a_partitioned_table_is_told_once(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE p (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "ALTER TABLE p ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
    )
    assert [(r["table"], r["constraint"]) for r in ask("unvalidated-constraints").rows] == [("p", "c")]


def test_large_tables_without_any_key_are_told(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE log (id int)",
        "CREATE TABLE keyed (id int NOT NULL UNIQUE)",
        "CREATE TABLE nearly (id int UNIQUE)",
        "CREATE TABLE proper (id int PRIMARY KEY)",
    )
    for table in ("log", "keyed", "nearly", "proper"):
        run(conn, f"INSERT INTO {table} SELECT generate_series(1, 50)", f"ANALYZE {table}")
    assert ask("tables-without-primary-key").status is Status.OK
    found = ask("tables-without-primary-key", min_rows=50)
    assert found.status is Status.WARN
    assert [r["table"] for r in found.rows] == ["log", "nearly"]


@pytest.mark.parametrize("target", ["FOR TABLE t", "FOR TABLES IN SCHEMA public", "FOR ALL TABLES"])
def test_a_published_table_without_identity_is_bad(conn: Connection, ask: Asked, target: str) -> None:
    run(conn, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)", f"CREATE PUBLICATION p {target}")
    found = ask("tables-without-primary-key")
    assert found.status is Status.BAD
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):  # what the check foretells
        run(conn, "UPDATE t SET id = 2")
    run(conn, found.advice[0].sql, "UPDATE t SET id = 2")
    assert ask("tables-without-primary-key").status is Status.OK


def test_a_publication_of_inserts_alone_needs_no_identity(conn: Connection, ask: Asked) -> None:
    run(conn, "CREATE TABLE t (id int)", "CREATE PUBLICATION p FOR TABLE t WITH (publish = 'insert')")
    assert ask("tables-without-primary-key").status is Status.OK


def test_a_switched_off_foreign_key_is_bad(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE t (parent int CONSTRAINT to_parent REFERENCES parent)",
        "ALTER TABLE t DISABLE TRIGGER ALL",
        "INSERT INTO t VALUES (99)",
    )
    found = ask("disabled-triggers")
    assert (found.status, found.summary) == (
        Status.BAD,
        "foreign keys not enforced, their triggers are off: t.to_parent",
    )
    assert found.advice[0].sql == "ALTER TABLE public.t ENABLE TRIGGER ALL;"
    run(conn, found.advice[0].sql)
    assert ask("disabled-triggers").status is Status.OK


def test_a_switched_off_trigger_of_ones_own_is_a_warning(conn: Connection, ask: Asked) -> None:
    run(
        conn,
        "CREATE TABLE t (x int)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER audit BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE t DISABLE TRIGGER audit",
    )
    found = ask("disabled-triggers")
    assert found.status is Status.WARN
    run(conn, found.advice[0].sql)
    assert ask("disabled-triggers").status is Status.OK


def test_a_damaged_page_is_bad(conn: Connection, database: SandboxDatabase, ask: Asked) -> None:
    assert (ask("data-checksums").status, ask("data-checksums").summary) == (Status.OK, "no checksum failure")
    run(conn, "CREATE TABLE t AS SELECT 1 AS x", "CREATE EXTENSION pg_buffercache", "CHECKPOINT")
    place = conn.execute("SELECT current_setting('data_directory') || '/' || pg_relation_filepath('t')").fetchone()
    assert place
    run(conn, "SELECT pg_buffercache_evict_relation('t')")
    with Path(place[0]).open("r+b") as file:
        file.seek(8000)
        file.write(b"rotten")
    with pytest.raises(psycopg.errors.DataCorrupted), database.connect() as other:
        run(other, "SELECT * FROM t")
    found = ask("data-checksums")
    assert found.status is Status.BAD and database.name in found.summary


def test_a_collation_of_another_version_is_bad(conn: Connection, database: SandboxDatabase, ask: Asked) -> None:
    assert ask("collation-versions").status is Status.OK
    run(
        conn,
        "CREATE COLLATION ours (provider = builtin, locale = 'C.UTF-8')",
        "CREATE TABLE t (name text COLLATE ours)",
        "UPDATE pg_collation SET collversion = '0.9' WHERE collname = 'ours'",
    )
    found = ask("collation-versions")
    assert found.status is Status.BAD and "collation public.ours (0.9, now 1)" in found.summary
    run(conn, *[s for s in found.advice[0].sql.splitlines() if s.startswith("ALTER")])
    assert ask("collation-versions").status is Status.OK


def test_settings_that_bite_are_information_never_an_alarm(
    conn: Connection, production: SandboxServer, database: SandboxDatabase
) -> None:
    (found,) = health(conn, only=["migration-settings"]).checks
    assert found.status is Status.OK
    assert {r["name"] for r in found.rows} == {"lock_timeout", "idle_in_transaction_session_timeout"}
    run(
        conn,
        f"ALTER DATABASE {database.name} SET lock_timeout = '2s'",
        f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = '60s'",
    )
    with database.connect() as later:
        (found,) = health(later, only=["migration-settings"]).checks
    assert (found.summary, found.advice) == ("lock_timeout and idle_in_transaction_session_timeout are set", ())
