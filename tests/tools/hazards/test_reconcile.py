"""What the sandbox saw settles findings, and adds those that no rule foresaw."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.reconcile import failed_on_data, made_by, reconcile, with_data_failure
from agentdb.tools.hazards.report import Report
from agentdb.tools.hazards.run import check
from agentdb.tools.hazards.shapes import key_of_sql
from agentdb.tools.records import Finding, Proof
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import evidence, run_script
from agentdb.tools.sql.parse import parse


def settled(database: SandboxDatabase, setup: str, sql: str, *, wrapped: bool = True, **more: object) -> list[Finding]:
    """The findings of a script that knows nothing of the schema, after it ran on it."""
    assert run_script(database, setup, no_transaction=True, trace=False).ok
    run = run_script(database, sql, no_transaction=not wrapped)
    context = Context(in_transaction=wrapped, lock_timeout_set=True, splits=True, **more)  # type: ignore[arg-type]
    script = parse(sql)
    found = reconcile(check(script, context=context), run, evidence(run), path="x.sql", context=context, script=script)
    return list(found)


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(f.rule, f.proof.value) for f in findings]


TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, v varchar(10), n int); INSERT INTO t VALUES (1, 'a', 1);"


def test_a_question_becomes_a_finding_or_is_refuted(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "ALTER TABLE t ALTER v TYPE text;\nALTER TABLE t ALTER n TYPE varchar(50);")
    assert told(found) == [
        ("changing-column-type-unverified", "REFUTED"),
        ("changing-column-type", "CONFIRMED"),
    ]
    assert found[1].evidence == ("E-0002",)
    assert found[1].severity.value == "error"


def test_what_the_schema_refutes_does_not_fail_the_check(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "ALTER TABLE t ALTER v TYPE text;\nDROP VIEW IF EXISTS nowhere;")
    found = [f for f in found if f.rule != "locking-several-tables"]
    assert told(found) == [("changing-column-type-unverified", "REFUTED"), ("dropping-view", "REFUTED")]
    report = Report(tuple(found), fail_on="info")
    assert report.passed
    assert len(report.refuted) == 2
    assert report.by_proof() == {"CONFIRMED": 0, "REFUTED": 2, "UNKNOWN": 0}


def test_quoted_names_and_other_schemas_are_found(database: SandboxDatabase) -> None:
    setup = 'CREATE SCHEMA "App"; CREATE TABLE "App"."Order Line" (a int);'
    found = settled(database, setup, 'CREATE INDEX i ON "App"."Order Line" (a);')
    assert told(found) == [("require-concurrent-index", "CONFIRMED")]
    assert key_of_sql('"App"."Order Line"') == "App.Order Line"
    assert key_of_sql('public."a""b.c"') == 'a"b.c'


def test_work_that_no_rule_foresaw_is_a_finding(database: SandboxDatabase) -> None:
    sql = "DO $$ BEGIN EXECUTE 'ALTER TABLE ' || 't' || ' ADD COLUMN s bigserial'; END $$;"
    found = settled(database, TABLE, sql)
    assert told(found) == [("unchecked-dynamic-sql", "UNKNOWN"), ("measured-rewrite", "CONFIRMED")]
    assert "writes every row of t anew under an ACCESS EXCLUSIVE lock" in found[1].why
    assert (found[1].path, found[1].line, found[1].objects) == ("x.sql", 1, ("t",))


def test_tables_read_behind_one_statement_are_one_finding(database: SandboxDatabase) -> None:
    setup = TABLE + "".join(f" CREATE TABLE c{n} (id bigint REFERENCES t);" for n in range(3))
    found = settled(database, setup, "ALTER TABLE t ALTER id TYPE numeric;")
    assert told(found) == [("changing-column-type", "CONFIRMED"), ("measured-scan", "CONFIRMED")]
    assert set(found[1].objects) == {"c0", "c1", "c2"}


def test_work_on_what_the_change_makes_is_no_finding(database: SandboxDatabase) -> None:
    sql = "DROP TABLE t;\nCREATE TABLE t (id bigint);\nINSERT INTO t VALUES (1);\nCREATE INDEX i ON t (id);"
    found = settled(database, TABLE, sql)
    assert told(found) == [("ban-drop-table", "CONFIRMED"), ("require-primary-key", "UNKNOWN")]
    assert made_by(parse(sql)) == {"t"}


def test_an_index_on_a_partitioned_table_is_built_on_its_partitions(database: SandboxDatabase) -> None:
    setup = "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
    assert told(settled(database, setup, "CREATE INDEX i ON p (a);")) == [("require-concurrent-index", "CONFIRMED")]


def test_a_failure_is_a_finding_with_the_servers_words(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "SELECT 1;\nALTER TABLE t DROP COLUMN nope;\nDROP TABLE t;")
    assert told(found) == [
        ("ban-drop-column", "UNKNOWN"),
        ("failing-statement", "CONFIRMED"),
        ("ban-drop-table", "UNKNOWN"),
    ]
    assert '42703 column "nope" of relation "t" does not exist' in found[1].why
    assert found[1].line == 2


def test_a_failure_that_was_foreseen_is_confirmed_and_not_told_twice(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "ALTER TABLE t ADD COLUMN r int NOT NULL;")
    assert told(found) == [("adding-required-column", "CONFIRMED")]


def test_a_failure_of_the_rows_is_not_a_failure_of_the_statement(database: SandboxDatabase) -> None:
    setup = TABLE + " INSERT INTO t VALUES (2, NULL, NULL);"
    assert run_script(database, setup, no_transaction=True, trace=False).ok
    sql = "ALTER TABLE t ALTER n SET NOT NULL;"
    with_rows = run_script(database, sql)
    assert failed_on_data(with_rows)
    assert run_script(database, "DELETE FROM t;", trace=False).ok
    without = run_script(database, sql)
    script = parse(sql)
    context = Context(lock_timeout_set=True)
    found = reconcile(check(script, context=context), without, evidence(without), context=context, script=script)
    assert told(list(with_data_failure(found, with_rows))) == [
        ("setting-not-null", "CONFIRMED"),
        ("failing-on-data", "UNKNOWN"),
    ]


def test_a_syntax_error_is_confirmed_and_nothing_else_is_said(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "DROP TABLE t;\nALTER TABEL t ADD a int;")
    assert told(found) == [("syntax-error", "CONFIRMED"), ("ban-drop-table", "UNKNOWN")]


def test_what_the_sandbox_refuses_is_unknown(database: SandboxDatabase) -> None:
    found = settled(database, TABLE, "DROP DATABASE template1;", wrapped=False)
    assert told(found) == [("ban-drop-database", "UNKNOWN"), ("untried-statement", "UNKNOWN")]


def test_a_branch_not_taken_refutes_nothing(database: SandboxDatabase) -> None:
    sql = "DO $$ BEGIN IF false THEN CREATE INDEX i ON t (n); END IF; END $$;"
    assert told(settled(database, TABLE, sql)) == [("require-concurrent-index", "UNKNOWN")]


@pytest.mark.parametrize("version", [11, 18])
def test_an_old_target_may_do_what_the_sandbox_does_not(database: SandboxDatabase, version: int) -> None:
    found = settled(database, TABLE, "ALTER TABLE t ALTER v TYPE text;", pg_version=version)
    assert found[0].proof is (Proof.UNKNOWN if version < 12 else Proof.REFUTED)
