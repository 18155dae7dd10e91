"""Each kind of conflict: what raises it, and the near case that must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentdb.tools.conflicts.registry import kinds
from agentdb.tools.records import Severity

from .conftest import Project, row

A = "CREATE TABLE a (id bigint PRIMARY KEY, x int, y int);"
Make = Callable[[Mapping[str, str]], Project]

# rule -> the project that has it, and its neighbour that has not
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "duplicate-number": (
        {"pending/001_a.sql": A, "pending/001_b.sql": "CREATE TABLE b ();"},
        {"pending/001_a.sql": A, "pending/002_b.sql": "CREATE TABLE b ();"},
    ),
    "missing-number": (
        {"pending/001_a.sql": A, "pending/003_b.sql": "CREATE TABLE b ();"},
        {"pending/001_a.sql": A, "archived/002_old.sql": "SELECT 1;", "pending/003_b.sql": "CREATE TABLE b ();"},
    ),
    "out-of-order": (
        {"applied/002_a.sql": A, "pending/001_b.sql": "CREATE TABLE b ();"},
        {"applied/001_a.sql": A, "pending/002_b.sql": "CREATE TABLE b ();"},
    ),
    "same-object": (
        {
            "applied/001_a.sql": A,
            "pending/002_b.sql": "ALTER TABLE a ALTER x SET NOT NULL;",
            "pending/003_c.sql": "ALTER TABLE a ALTER x TYPE bigint;",
        },
        {
            "applied/001_a.sql": A,
            "pending/002_b.sql": "ALTER TABLE a ALTER x SET NOT NULL;",
            "pending/003_c.sql": "ALTER TABLE a ALTER y TYPE bigint;",
        },
    ),
    "created-twice": (
        {"applied/001_a.sql": A, "pending/002_b.sql": "ALTER TABLE a ADD COLUMN x int;"},
        {"applied/001_a.sql": A, "pending/002_b.sql": "ALTER TABLE a DROP COLUMN x; ALTER TABLE a ADD COLUMN x int;"},
    ),
    "dropped-twice": (
        {"applied/001_a.sql": f"{A} DROP TABLE z;", "pending/002_b.sql": "DROP TABLE z;"},
        {"applied/001_a.sql": f"{A} DROP TABLE z;", "pending/002_b.sql": "DROP TABLE IF EXISTS z;"},
    ),
    "used-after-drop": (
        {
            "applied/001_a.sql": A,
            "pending/002_b.sql": "ALTER TABLE a RENAME COLUMN x TO z;",
            "pending/003_c.sql": "CREATE INDEX i ON a (x);",
        },
        {
            "applied/001_a.sql": A,
            "pending/002_b.sql": "ALTER TABLE a RENAME COLUMN x TO z;",
            "pending/003_c.sql": "CREATE INDEX i ON a (z);",
        },
    ),
    "used-before-created": (
        {"pending/001_a.sql": "INSERT INTO b VALUES (1);", "pending/002_b.sql": "CREATE TABLE b (id int);"},
        {"pending/001_a.sql": "INSERT INTO b VALUES (1);", "pending/002_b.sql": "CREATE TABLE c (id int);"},
    ),
    "depends-missing": (
        {"pending/001_a.sql": f"-- depends: 009\n{A}"},
        {"archived/000_z.sql": "SELECT 1;", "pending/001_a.sql": f"-- depends: 000\n{A}"},
    ),
    "depends-order": (
        {"pending/001_a.sql": f"-- depends: 002_b\n{A}", "pending/002_b.sql": "CREATE TABLE b ();"},
        {"pending/001_a.sql": A, "pending/002_b.sql": "-- depends: 001\nCREATE TABLE b ();"},
    ),
    "depends-cycle": (
        {
            "pending/001_a.sql": "-- depends: 002\nALTER TABLE t ADD a int;",
            "pending/002_b.sql": "-- depends: 001\nALTER TABLE t ADD b int;",
        },
        {"pending/001_a.sql": "ALTER TABLE t ADD a int;", "pending/002_b.sql": "-- depends: 001\nCREATE TABLE b ();"},
    ),
    "repeated-fix": (
        {
            "applied/001_a.sql": A,
            "pending/002_fix_index.sql": "CREATE INDEX i ON a (x);",
            "pending/003_fix_index_again.sql": "CREATE INDEX j ON a (x);",
        },
        {
            "applied/001_a.sql": f"{A} CREATE TABLE b (x int);",
            "pending/002_fix_index.sql": "CREATE INDEX i ON a (x);",
            "pending/003_fix_index_again.sql": "CREATE INDEX j ON b (x);",
        },
    ),
    "orphan-rollback": (
        {"pending/001_a.sql": A, "rollback/001_b.sql": "DROP TABLE a;"},
        {"pending/001_a.sql": A, "rollback/001_a.sql": "DROP TABLE a;", "rollback/001_a.capture.sql": "SELECT 1;"},
    ),
    "case-collision": (
        {"pending/001_add.sql": A, "pending/001_Add.sql": "CREATE TABLE b ();"},
        {"pending/001_add.sql": A, "pending/002_Add.sql": "CREATE TABLE b ();"},
    ),
    "copied": (
        {"applied/001_a.sql": "SELECT 1;", "pending/002_b.sql": "SELECT 1;  \r\n\r\n"},
        {"applied/001_a.sql": "SELECT 1;", "pending/002_b.sql": "SELECT 2;"},
    ),
    "not-compared": (
        {"pending/001_a.sql": A, "pending/002_b.sql": "DO $$ BEGIN END $$;"},
        {"pending/002_b.sql": "DO $$ BEGIN END $$;"},
    ),
}
LEDGER = {"edited-applied", "applied-file-missing", "renamed-applied", "not-recorded"}
BRANCH = {"branch-number", "branch-object", "branch-edited"}


@pytest.mark.parametrize("rule", CASES)
def test_conflict_is_found(project: Make, rule: str) -> None:
    assert rule in project(CASES[rule][0]).rules()


@pytest.mark.parametrize("rule", CASES)
def test_neighbour_of_a_conflict_is_left_in_peace(project: Make, rule: str) -> None:
    found = project(CASES[rule][1]).findings()
    assert not [f for f in found if f.rule == f"conflict-{rule}"]


def test_every_kind_has_a_case_here() -> None:
    assert {k.id.removeprefix("conflict-") for k in kinds()} == set(CASES) | LEDGER | BRANCH


def test_findings_say_three_things_and_where(project: Make) -> None:
    for bad, _ in CASES.values():
        for number, finding in enumerate(project(bad).findings(), 1):
            assert finding.id == f"C-{number}"
            assert finding.title.endswith(".") and finding.why.endswith(".") and finding.fix.endswith(".")
            assert finding.path.startswith("migrations/")


def test_healthy_project_has_no_conflicts(project: Make) -> None:
    assert (
        project(
            {
                "applied/001_a.sql": A,
                "pending/002_index.sql": "CREATE INDEX CONCURRENTLY i ON a (x);",
                "pending/003_b.sql": "-- depends: 001\nCREATE TABLE b (a_id bigint REFERENCES a (id));\nCREATE INDEX ON b (a_id);",
                "pending/004_view.sql": "CREATE VIEW v AS SELECT * FROM a JOIN b ON a.id = b.a_id;",
                "rollback/002_index.sql": "DROP INDEX i;",
            }
        ).findings()
        == ()
    )


def test_edited_applied_file_is_an_error(project: Make) -> None:
    made = project({"applied/001_a.sql": A})
    assert made.rules([row("001_a", A.replace("x int", "x text"))]) == ["edited-applied"]


def test_line_ends_and_trailing_blanks_are_no_edit(project: Make) -> None:
    made = project({"applied/001_a.sql": A.replace(", ", ",  ").replace("\n", "\r\n")})
    assert made.rules([row("001_a", A.replace(", ", ",  ") + " \n\n")]) == []


def test_applied_migration_without_a_file_is_an_error(project: Make) -> None:
    made = project({"pending/002_b.sql": "CREATE TABLE b ();"})
    assert made.rules([row("001_a", A)]) == ["applied-file-missing"]


def test_archived_file_of_an_applied_migration_is_enough(project: Make) -> None:
    made = project({"archived/001_a.sql": A, "pending/002_b.sql": "CREATE TABLE b ();"})
    assert made.rules([row("001_a", A)]) == []


def test_rolled_back_migration_may_be_edited_and_need_no_file(project: Make) -> None:
    made = project({"pending/001_a.sql": A})
    assert made.rules([row("001_a", "SELECT 1", "rolled_back"), row("001_b", "SELECT 2", "failed")]) == []


@pytest.mark.parametrize(("sql", "same"), [(A, "the SQL is the same"), ("SELECT 1;", "the SQL differs")])
def test_number_applied_under_another_name_is_an_error(project: Make, sql: str, same: str) -> None:
    made = project({"pending/001_new_name.sql": A})
    (found,) = [f for f in made.findings([row("001_old_name", sql)]) if f.rule == "conflict-renamed-applied"]
    assert same in found.title


def test_ledger_with_two_names_for_one_number_is_an_error(project: Make) -> None:
    made = project({"applied/001_a.sql": A})
    assert "renamed-applied" in made.rules([row("001_a", A), row("001_b", "SELECT 1")])


def test_file_in_applied_that_the_ledger_has_not_is_a_warning(project: Make) -> None:
    made = project({"applied/001_a.sql": A, "applied/002_b.sql": "CREATE TABLE b ();"})
    assert made.rules([row("001_a", A)]) == ["not-recorded"]
    assert made.rules() == []


def test_ledger_tells_what_is_applied_before_the_folder_does(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/002_b.sql": "CREATE TABLE b ();"})
    assert made.rules([row("002_b", "CREATE TABLE b ();")]) == ["out-of-order"]


def test_times_as_numbers_have_no_gaps(project: Make) -> None:
    made = project({"pending/20260101120000_a.sql": A, "pending/20260102120000_b.sql": "CREATE TABLE b ();"})
    assert made.findings() == ()


def test_declared_order_is_no_conflict_over_an_object(project: Make) -> None:
    bad = dict(CASES["same-object"][0])
    bad["pending/003_c.sql"] = f"-- depends: 002\n{bad['pending/003_c.sql']}"
    assert project(bad).findings() == ()


def test_create_if_not_exists_of_what_is_there_is_only_a_warning(project: Make) -> None:
    made = project({"applied/001_a.sql": A, "pending/002_b.sql": "CREATE TABLE IF NOT EXISTS a (id int);"})
    (found,) = made.findings()
    assert (found.rule, found.severity) == ("conflict-created-twice", Severity.WARNING)


def test_index_goes_with_its_table(project: Make) -> None:
    again = f"DROP TABLE a; {A.replace('x int', 'x text')} CREATE INDEX i ON a (x);"
    made = project({"applied/001_a.sql": f"{A} CREATE INDEX i ON a (x);", "pending/002_b.sql": again})
    assert made.findings() == ()


def test_overloads_are_different_functions(project: Make) -> None:
    make = "CREATE FUNCTION f({}) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    assert project({"pending/001_a.sql": make.format("int"), "pending/002_b.sql": make.format("text")}).findings() == ()


def test_history_is_not_judged(project: Make) -> None:
    made = project({"applied/001_a.sql": A, "applied/002_b.sql": f"{A} DROP TABLE nowhere; DROP TABLE nowhere;"})
    assert made.findings() == ()


def test_depends_may_name_number_label_or_name(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/002_b.sql": "-- depends: 1, 001, 001_a, a\nCREATE TABLE b ();"})
    assert made.findings() == ()


def test_depends_on_a_number_that_two_files_have_is_told(project: Make) -> None:
    made = project(
        {
            "pending/001_a.sql": "CREATE TABLE a ();",
            "pending/001_b.sql": "CREATE TABLE b ();",
            "pending/002_c.sql": "-- depends: 001\nSELECT 1;",
        }
    )
    assert made.rules() == ["depends-missing", "duplicate-number"]


def test_hostile_names_do_no_harm(project: Make, tmp_path: Path) -> None:
    sql = 'CREATE TABLE "a.b""c | <x>" ("d.e" int); ALTER TABLE "a.b""c | <x>" ADD CONSTRAINT "k k" CHECK (true);'
    made = project({"pending/001_a.sql": sql, "pending/002_b.sql": sql.replace("d.e", "d e")})
    assert "created-twice" in made.rules()
