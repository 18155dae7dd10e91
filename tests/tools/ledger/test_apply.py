"""Approved plans carried out on a real server, and what the ledger says of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo
from support.own_server import own_server

from agentdb.errors import DatabaseError, MigrationFileError, RefusedError, StatementError, VerificationError
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.ledger import audit

CUSTOMERS = "CREATE TABLE customers (id int PRIMARY KEY, email text);\n"


def test_an_approved_plan_is_applied_and_recorded(project: Any) -> None:
    project.write("001_customers", CUSTOMERS, "DROP TABLE customers;\n")
    project.write("002_index", "CREATE INDEX CONCURRENTLY by_email ON customers (email);\n")
    result = project.apply()
    assert [d.label for d in result.done] == ["001_customers", "002_index"]
    assert result.ledger_installed == ("001", "002", "003", "004")
    assert project.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_email'::regclass") is True
    first, second = project.runs()
    assert (first.status, first.transactional, first.statements_done) == ("applied", True, 1)
    assert (second.status, second.transactional, second.statements_done) == ("applied", False, 1)
    assert first.fingerprint_after == second.fingerprint_before != second.fingerprint_after
    assert first.approver == "ada@example.org" and first.approval_nonce == second.approval_nonce
    assert first.finished is not None and first.backend_pid and first.backend_start
    assert project.where("001_customers") == project.where("002_index") == "applied"
    with project.database.connect() as conn:
        assert audit.verify_target(conn, project.layout.state_dir).ok
        assert [e.event for e in audit.entries(conn)] == ["begun", "applied", "applied", "ended"]


def test_a_number_below_the_highest_applied_is_pending_and_not_skipped(project: Any) -> None:
    project.write("002_customers", CUSTOMERS)
    project.apply()
    project.write("001_late", "CREATE TABLE late (id int);\n")
    made = project.plan()
    assert made.labels == ("001_late",) and made.migrations[0].out_of_order
    project.apply()
    assert project.ask("SELECT to_regclass('late') IS NOT NULL")


def test_the_plan_is_the_same_each_time_and_says_that_the_ledger_will_be_installed(project: Any) -> None:
    project.write("001_customers", CUSTOMERS)
    first, second = project.plan(), project.plan()
    assert first.sha256 == second.sha256
    assert [part[1] for part in first.ledger] == ["history", "approvals", "audit", "purges"]
    project.apply()
    project.write("002_more", "CREATE TABLE more (id int);\n")
    assert project.plan().ledger == ()


def test_a_failed_statement_leaves_nothing_of_its_migration(project: Any) -> None:
    project.write("001_customers", CUSTOMERS)
    path = project.write("002_bad", "CREATE TABLE other (id int);\n\nALTER TABLE nowhere ADD COLUMN x int;\n")
    with pytest.raises(DatabaseError) as caught:
        project.apply()
    assert caught.value.where == f"{path}:3"
    assert 'statement 2 of 2 failed: 42P01: relation "nowhere" does not exist' in caught.value.what
    assert "Nothing of 002_bad is left" in caught.value.hint
    assert project.ask("SELECT to_regclass('other') IS NULL")
    first, second = project.runs()
    assert (first.status, second.status, second.dirty) == ("applied", "failed", False)
    assert second.error["statement"] == 1
    path.write_text("CREATE TABLE other (id int);\n")
    project.apply()
    assert [r.status for r in project.runs()] == ["applied", "failed", "applied"]


def test_a_deferred_constraint_that_fails_at_commit_is_told(project: Any) -> None:
    project.write(
        "001_deferred",
        "CREATE TABLE a (id int PRIMARY KEY);\n"
        "CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);\n",
    )
    with pytest.raises(DatabaseError, match="the commit failed: 23503"):
        project.apply()
    assert project.ask("SELECT to_regclass('a') IS NULL")
    assert project.runs()[0].status == "failed"


def test_values_of_rows_are_for_the_persons_screen_alone(project: Any) -> None:
    project.do("CREATE TABLE t (a text); INSERT INTO t VALUES ('canary'), ('canary')")
    path = project.write("001_cast", "ALTER TABLE t ALTER a TYPE int USING a::int;\n")
    for sql in (path.read_text(), "ALTER TABLE t ADD UNIQUE (a);\n"):
        path.write_text(sql)
        with pytest.raises(StatementError) as caught:
            project.apply()
        assert "canary" in caught.value.detail and "canary" not in f"{caught.value}{caught.value.hint}"
        assert "canary" not in str(project.runs()[-1].error)
    with project.database.connect() as conn:
        assert "canary" not in str(audit.entries(conn))
    assert "canary" not in (project.layout.state_dir / "audit.jsonl").read_text()


def test_an_index_that_cannot_be_built_is_removed_again(project: Any) -> None:
    project.do("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    project.write("001_unique", "CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);\n")
    with pytest.raises(DatabaseError) as caught:
        project.apply()
    assert "23505" in caught.value.what and "It was removed." in caught.value.hint
    assert project.ask("SELECT to_regclass('t_a') IS NULL")
    assert (project.runs()[0].status, project.runs()[0].dirty) == ("failed", False)
    project.do("DELETE FROM t")
    project.apply()
    assert project.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass")


@pytest.mark.parametrize("words", ["", "IF NOT EXISTS "])
def test_an_invalid_index_of_another_is_neither_taken_for_success_nor_removed(project: Any, words: str) -> None:
    project.do("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    with project.database.connect() as conn, pytest.raises(Exception, match="could not create unique index"):
        conn.execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)")
    project.write("001_index", f"CREATE INDEX CONCURRENTLY {words}t_a ON t (a);\n")
    with pytest.raises(DatabaseError, match="INVALID"):
        project.apply()
    assert project.ask("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass")
    assert not project.runs()[0].dirty


def test_a_script_that_changes_role_and_path_does_not_disturb_the_ledger(project: Any) -> None:
    project.do("CREATE SCHEMA app")
    project.write(
        "001_roles",
        "SET ROLE pg_monitor;\nRESET ROLE;\nSET search_path = app;\nCREATE TABLE here (id int);\nSET ROLE pg_monitor;\n",
    )
    project.write("002_next", "CREATE TABLE there (id int);\n")
    project.write(
        "003_outside",
        "-- agentdb: no-transaction\nSET search_path = app;\nCREATE TABLE also (id int);\n"
        "CREATE INDEX CONCURRENTLY also_id ON also (id);\n",
    )
    project.apply()
    assert [r.status for r in project.runs()] == ["applied"] * 3
    assert project.ask("SELECT to_regclass('app.here') IS NOT NULL AND to_regclass('public.there') IS NOT NULL")
    assert project.ask("SELECT to_regclass('app.also_id') IS NOT NULL")


def test_a_login_without_privileges_that_starts_in_another_role_applies(tmp_path: Path, project: Any) -> None:
    """As it is where logins come and go, and every one of them works as the owner."""
    with own_server({}) as server, server.create() as database:
        for sql in (
            "CREATE ROLE owner",
            f"GRANT CREATE ON DATABASE {database.name} TO owner",
            "CREATE ROLE deploy LOGIN NOINHERIT IN ROLE owner",
            "ALTER ROLE deploy SET role = owner",
        ):
            server.execute(sql)
        project.database, project.dsn = database, Dsn(make_conninfo(database.dsn.reveal(), user="deploy"))
        project.do("GRANT CREATE ON SCHEMA public TO owner")
        project.write("001_customers", CUSTOMERS, "DROP TABLE customers;\n")
        project.write(
            "002_index",
            "SET search_path = public;\nCREATE INDEX by_email ON customers (email);\n",
            "DROP INDEX by_email;\n",
        )
        project.write(
            "003_outside",
            "-- agentdb: no-transaction\nCREATE INDEX CONCURRENTLY again ON customers (email);\nSELECT 1;\n",
        )
        project.apply()
        assert (
            project.ask(
                "SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relname IN ('history', 'customers')"
            )
            == "owner"
        )
        project.roll_back("002_index")
        assert [m.state.value for m in project.truth().values()] == ["applied", "pending", "applied"]


def test_statements_that_are_not_for_transactions_run_outside(project: Any) -> None:
    project.do(
        "CREATE PROCEDURE twice() LANGUAGE plpgsql AS"
        " $$BEGIN CREATE TABLE one (id int); COMMIT; CREATE TABLE two (id int); END$$"
    )
    project.write(
        "001_mixed", "-- agentdb: no-transaction\nCALL twice();\nVACUUM one;\nREINDEX TABLE CONCURRENTLY two;\n"
    )
    project.write("002_enum", "CREATE TYPE mood AS ENUM ('ok');\nALTER TYPE mood ADD VALUE 'glad';\n")
    project.apply()
    assert project.ask("SELECT to_regclass('one') IS NOT NULL AND to_regclass('two') IS NOT NULL")
    assert project.ask("SELECT 'glad'::mood::text") == "glad"


def test_captured_rows_and_the_change_are_one(project: Any) -> None:
    project.do("CREATE TABLE t (id int, note text); INSERT INTO t VALUES (1, 'kept')")
    capture = (
        "CREATE SCHEMA IF NOT EXISTS agentdb_archive;\nCREATE TABLE agentdb_archive.m001 AS SELECT id, note FROM t;\n"
    )
    path = project.write("001_drop", "ALTER TABLE t DROP COLUMN note;\nSELECT 1/0;\n", capture=capture)
    with pytest.raises(DatabaseError, match="division by zero"):
        project.apply()
    assert project.ask("SELECT to_regclass('agentdb_archive.m001') IS NULL")
    path.write_text("ALTER TABLE t DROP COLUMN note;\n")
    project.apply()
    assert project.ask("SELECT note FROM agentdb_archive.m001") == "kept"


def test_what_the_sandbox_expected_is_compared_afterwards(project: Any) -> None:
    project.write("001_customers", CUSTOMERS)
    made = project.plan(expected_fingerprint="v1:" + "0" * 64)
    from agentdb.tools.ledger.apply import ApplyResult, apply

    with pytest.raises(VerificationError) as caught:
        apply(project.request(project.approve(made)))
    assert caught.value.exit_code == 5
    assert isinstance(caught.value.result, ApplyResult) and caught.value.result.verification.ok is False
    assert [r.status for r in project.runs()] == ["applied"]


def test_a_dry_run_checks_everything_and_changes_nothing(project: Any) -> None:
    from agentdb.tools.ledger.apply import apply

    project.write("001_customers", CUSTOMERS)
    approval = project.approve()
    result = apply(project.request(approval, dry_run=True))
    assert [d.status for d in result.done] == ["would run"]
    assert project.ask("SELECT to_regnamespace('agentdb') IS NULL AND to_regclass('customers') IS NULL")
    assert project.where("001_customers") == "pending"
    assert apply(project.request(approval)).done[0].status == "applied"


def test_an_environment_that_needs_no_approval_applies_without(project: Any) -> None:
    from agentdb.tools.ledger.apply import apply
    from agentdb.tools.ledger.plan import Policy

    project.environment = "dev"
    project.write("001_customers", CUSTOMERS)
    with pytest.raises(RefusedError) as caught:
        apply(project.request(None))
    assert caught.value.reason == "no-approval"
    apply(project.request(None, policy=Policy({"dev": False})))
    assert project.runs()[0].approver == ""
    request = project.request(None, policy=Policy({"dev": False, "prod": True}))
    project.write("002_more", "CREATE TABLE more (id int);\n")
    for environment, reason in (("prod", "no-approval"), ("staging", "no-approval")):
        with pytest.raises(RefusedError) as caught:
            apply(dataclasses.replace(request, environment=environment))
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n", "its own BEGIN"),
        ("CREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY i ON a (id);\n", "cannot run inside a transaction"),
        ("CREATE INDEX CONCURRENTLY ON a (id);\n", "needs a name"),
        ("UPDATE agentdb.history SET status = 'applied';\n", "changes schema agentdb"),
        ("DROP SCHEMA agentdb CASCADE;\n", "changes schema agentdb"),
        ("COPY a FROM STDIN;\n", "talks to a client"),
        ("-- only a comment\n", "no statement"),
    ],
)
def test_a_script_that_agentdb_cannot_answer_for_gets_no_plan(project: Any, sql: str, words: str) -> None:
    project.write("001_unfit", sql)
    with pytest.raises(MigrationFileError, match=words):
        project.plan()
