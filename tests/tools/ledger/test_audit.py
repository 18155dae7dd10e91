"""The audit record: append-only in the target, private on this machine, and every tampering seen."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentdb.errors import UsageError
from agentdb.tools.ledger import audit, history

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def conn(database: Any) -> Any:
    with database.connect() as made:
        history.install(made)
        for number in range(3):
            audit.record(made, "ada", "tested", {"number": number, "word": "ü\n"})
        yield made


def test_the_chain_holds_and_takes_no_change(conn: Any) -> None:
    found = audit.entries(conn)
    assert [e.detail["number"] for e in found] == [0, 1, 2] and audit.verify(found).ok
    for sql in ("UPDATE agentdb.audit SET actor = 'eve'", "DELETE FROM agentdb.audit", "TRUNCATE agentdb.audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            conn.execute(sql)


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE agentdb.audit SET actor = 'eve' WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE agentdb.audit SET detail = '{}' WHERE seq = 1", "entry 1 was changed"),
        ("UPDATE agentdb.audit SET at = at + interval '1 s' WHERE seq = 3", "entry 3 was changed"),
        ("DELETE FROM agentdb.audit WHERE seq = 2", "entries are missing"),
        ("DELETE FROM agentdb.audit WHERE seq = 1", "entries are missing"),
    ],
)
def test_what_its_owner_changes_is_seen(conn: Any, tampering: str, words: str) -> None:
    conn.execute("ALTER TABLE agentdb.audit DISABLE TRIGGER audit_is_append_only")
    conn.execute(tampering)
    report = audit.verify(audit.entries(conn))
    assert not report.ok and any(words in p for p in report.problems)


def test_entries_cut_off_at_the_end_are_missed_by_the_machine_that_saw_them(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n")
    project.apply()
    with project.database.connect() as conn:
        assert audit.verify_target(conn, project.layout.state_dir).ok
        conn.execute("ALTER TABLE agentdb.audit DISABLE TRIGGER audit_is_append_only")
        conn.execute("DELETE FROM agentdb.audit WHERE seq = (SELECT max(seq) FROM agentdb.audit)")
        assert audit.verify_target(conn).ok
        assert "no longer has" in audit.verify_target(conn, project.layout.state_dir).problems[0]


def test_the_local_record_is_private_and_shows_tampering(tmp_path: Path) -> None:
    for number in range(3):
        audit.record_locally(tmp_path, "ada", "tested", {"number": number}, NOW)
    path = tmp_path / "audit.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert audit.verify(audit.local_entries(tmp_path)).ok
    lines = path.read_text().splitlines()
    changed = json.loads(lines[1]) | {"actor": "eve"}
    for bad in (
        [lines[0], json.dumps(changed), lines[2]],
        [lines[0], lines[2]],
        [lines[0], "junk", lines[2]],
        lines[1:],
    ):
        path.write_text("\n".join(bad) + "\n")
        assert not audit.verify(audit.local_entries(tmp_path)).ok


def test_a_line_torn_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    audit.record_locally(tmp_path, "ada", "tested", {}, NOW)
    with (tmp_path / "audit.jsonl").open("a") as file:
        file.write('{"seq": 2, "at"')
    audit.record_locally(tmp_path, "ada", "after", {}, NOW)
    found = audit.local_entries(tmp_path)
    assert [e.event for e in found] == ["tested", "unreadable", "after"]
    assert not audit.verify(found).ok


def test_writers_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    writers = [
        threading.Thread(target=audit.record_locally, args=(tmp_path, "ada", "tested", {"n": n}, NOW))
        for n in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = audit.local_entries(tmp_path)
    assert len(found) == 12 and audit.verify(found).ok


def test_a_place_that_takes_no_line_is_told_before_anything_is_begun(project: Any) -> None:
    project.write("001_a", "CREATE TABLE a (id int);\n")
    (project.layout.state_dir / "audit.jsonl").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        project.apply()
    assert project.ask("SELECT to_regnamespace('agentdb') IS NULL AND to_regclass('a') IS NULL")
