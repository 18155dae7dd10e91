"""What status says when nothing was killed: files, ledger and catalog held against each other."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.errors import DatabaseError
from agentdb.tools.ledger.status import State, status


def test_without_a_target_it_tells_what_the_folders_hold(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n").rename(project.layout.applied / "001_a.sql")
    project.write("002_b", "CREATE TABLE b (id int);\n")
    report = status(project.layout)
    assert [(m.label, m.state) for m in report.migrations] == [("001_a", State.IN_FOLDER), ("002_b", State.PENDING)]
    assert report.target is None and report.verdict == "1 pending, 1 in applied/"


def test_a_target_without_a_ledger_has_everything_pending_whatever_the_folder(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n").rename(project.layout.applied / "001_a.sql")
    with project.database.connect() as conn:
        report = status(project.layout, conn)
    assert not report.ledger and report.unchanged is None
    assert [m.state for m in report.migrations] == [State.PENDING]


def test_an_edited_file_is_told_apart_from_one_with_other_spacing(project: Any) -> None:
    path = project.write("001_a", "CREATE TABLE a (id int);\n")
    project.apply()
    path = project.layout.applied / path.name
    path.write_text("-- now with a word\nCREATE TABLE a\n  (id int);\n")
    found = project.truth()["001_a"]
    assert found.state is State.EDITED and "in comments or spacing only" in found.line
    path.write_text("CREATE TABLE a (id bigint);\n")
    found = project.truth()["001_a"]
    assert found.state is State.EDITED and "spacing" not in found.line and "restore" in found.todo
    path.write_bytes(b"CREATE TABLE a (id int);  \r\n\r\n")
    assert project.truth()["001_a"].state is State.APPLIED
    path.unlink()
    assert project.truth()["001_a"].state is State.MISSING


def test_an_archived_file_is_not_missing(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n")
    project.apply()
    project.layout.archived.mkdir()
    (project.layout.applied / "001_a.sql").rename(project.layout.archived / "001_a.sql")
    found = project.truth()["001_a"]
    assert (found.state, found.folder) == (State.APPLIED, "archived")


def test_late_and_double_numbers_are_pointed_out(project: Any) -> None:
    project.write("002_b", "CREATE TABLE b (id int);\n")
    project.apply()
    project.write("001_late", "CREATE TABLE late (id int);\n")
    project.write("002_other", "CREATE TABLE other (id int);\n")
    found = project.truth()
    assert found["001_late"].out_of_order and "out of order" in found["001_late"].notes[0]
    assert found["002_b"].state is State.APPLIED
    assert "its number belongs to 002_b" in found["002_other"].line


def test_a_clean_failure_and_a_rollback_leave_it_to_do_again(project: Any) -> None:
    path = project.write("001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n")
    project.apply()
    project.roll_back("001_a")
    found = project.truth()["001_a"]
    assert found.state is State.PENDING and "was applied and rolled back" in found.line
    path.write_text("CREATE TABLE a (id int);\nSELECT 1/0;\n")
    with pytest.raises(DatabaseError, match="division by zero"):
        project.apply()
    found = project.truth()["001_a"]
    assert found.state is State.FAILED
    assert "failed at statement 2: division by zero; nothing of it is left" in found.line


def test_a_schema_changed_outside_agentdb_is_noticed(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n")
    project.apply()
    for change, unchanged in (("SELECT 1", True), ("CREATE TABLE x (id int)", False), ("DROP TABLE x", True)):
        project.do(change)
        with project.database.connect() as conn:
            assert status(project.layout, conn).unchanged is unchanged
    project.roll_back("001_a")
    with project.database.connect() as conn:
        assert status(project.layout, conn).unchanged is True


def test_it_changes_nothing(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n")
    project.apply()
    with project.database.connect(default_transaction_read_only="on") as conn:
        report = status(project.layout, conn)
    assert report.count(State.APPLIED) == 1 and report.holder == 0
