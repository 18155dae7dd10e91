"""What migrations kept is listed, and deleted only on an approval of its own, bound to the very objects."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentdb.errors import DatabaseError, RefusedError, UsageError
from agentdb.tools.databases.queries import load
from agentdb.tools.ledger import approvals, archive, plan, purge
from agentdb.tools.ledger.apply import apply
from agentdb.tools.ledger.approvals import Approval
from agentdb.tools.ledger.execute import Limits

RECORDS = load("postgres", "rollback_archive")
COPIED = (
    "ALTER TABLE t DROP COLUMN note;\n",
    "ALTER TABLE t ADD COLUMN note text;\nUPDATE t SET note = k.note FROM agentdb_archive.m001_t AS k WHERE k.id = t.id;\n",
    RECORDS + "DELETE FROM agentdb_archive.captures WHERE migration = '001_note';\n"
    "INSERT INTO agentdb_archive.captures (migration, transaction_id, together)"
    " VALUES ('001_note', pg_current_xact_id()::xid, true);\n"
    "CREATE TABLE agentdb_archive.m001_t AS SELECT was.id, was.note FROM ONLY public.t AS was;\n"
    "INSERT INTO agentdb_archive.tables SELECT '001_note', 'public.t', 'm001_t', '{id}', count(*)"
    " FROM agentdb_archive.m001_t;\n",
)
ASIDE = load("postgres", "set_aside_record") + (
    "ALTER TABLE t RENAME COLUMN id TO agentdb_dropped_id_00000002;\n"
    "INSERT INTO agentdb_archive.set_aside VALUES"
    " ('002_id', 'column', 'public.t', 'id', 'agentdb_dropped_id_00000002');\n"
    "ALTER TABLE old RENAME TO m002_old_00000002;\nALTER TABLE m002_old_00000002 SET SCHEMA agentdb_archive;\n"
    "INSERT INTO agentdb_archive.set_aside VALUES ('002_id', 'table', 'public.old', 'old', 'm002_old_00000002');\n"
)
BACK = (
    "ALTER TABLE t RENAME COLUMN agentdb_dropped_id_00000002 TO id;\n"
    "ALTER TABLE agentdb_archive.m002_old_00000002 SET SCHEMA public;\nALTER TABLE m002_old_00000002 RENAME TO old;\n"
    "DELETE FROM agentdb_archive.set_aside WHERE migration = '002_id';\n"
)


@pytest.fixture
def full(project: Any) -> Any:
    """A target on which one migration copied a column, and another set a column and a table aside."""
    with project.database.connect() as conn:
        conn.execute("CREATE TABLE t (id int PRIMARY KEY, note text); CREATE TABLE old (a int)")
        conn.execute("INSERT INTO t SELECT g, 'n' FROM generate_series(1, 50) AS g")
    project.write("001_note", *COPIED)
    project.write("002_id", ASIDE, BACK)
    project.apply("001_note", "002_id")
    return project


def planned(project: Any, *labels: str) -> purge.PurgePlan:
    with project.database.connect() as conn:
        return purge.build_plan(conn, labels, environment=project.environment, policy=plan.Policy())[0]


def signed(project: Any, *labels: str, **more: Any) -> Approval:
    created = datetime.now(UTC) - more.pop("age", timedelta(0))
    chosen = {"approver": "ada@example.org", "key": project.key, "expires": created + timedelta(hours=1)} | more
    return approvals.sign(planned(project, *labels), created=created, **chosen)


def names(project: Any, *labels: str) -> list[str]:
    with project.database.connect() as conn:
        return [k.name for k in archive.kept(conn, labels or None)]


EVERYTHING = [
    "agentdb_archive.m001_t",
    "public.t.agentdb_dropped_id_00000002",
    "agentdb_archive.m002_old_00000002",
]


def test_all_that_is_kept_is_listed_with_whose_it_is(full: Any) -> None:
    with full.database.connect() as conn:
        conn.execute("CREATE TABLE agentdb_archive.somebodys (a int)")
        found = archive.kept(conn)
        assert [(k.migration, k.kind, k.was) for k in found] == [
            ("001_note", "copy", "public.t"),
            ("002_id", "column", "public.t.id"),
            ("002_id", "table", "public.old"),
        ]
        assert [k.name for k in found] == EVERYTHING
        assert found[0].rows == 50 and (found[0].size or 0) > 0
        assert archive.unrecorded(conn) == ("agentdb_archive.somebodys",)


def test_nothing_is_kept_where_there_is_no_archive(project: Any) -> None:
    with project.database.connect() as conn:
        assert archive.kept(conn) == () and archive.unrecorded(conn) == ()
        with pytest.raises(UsageError, match="nothing is kept for 001_note"):
            purge.build_plan(conn, ["001_note"], environment="prod", policy=plan.Policy())


def test_an_approved_purge_deletes_exactly_that_and_is_written_down(full: Any) -> None:
    approval = signed(full, "002_id")
    result = purge.purge(full.request(approval))
    assert [k.name for k in result.things] == EVERYTHING[1:]
    assert names(full) == EVERYTHING[:1]
    assert full.ask("SELECT to_regclass('agentdb_archive.m002_old_00000002') IS NULL")
    assert full.ask("SELECT count(*) FROM pg_attribute WHERE attname = 'agentdb_dropped_id_00000002'") == 0
    assert full.ask("SELECT count(*) FROM agentdb_archive.set_aside") == 0
    assert full.ask("SELECT migration || ' ' || jsonb_array_length(objects) FROM agentdb.purges") == "002_id 2"
    assert full.ask("SELECT event FROM agentdb.audit ORDER BY seq DESC LIMIT 1") == "purged"
    with pytest.raises(RefusedError) as caught:
        purge.purge(full.request(approval))
    assert caught.value.reason == "replayed"


def test_a_trial_run_deletes_nothing(full: Any) -> None:
    result = purge.purge(full.request(signed(full, "001_note"), dry_run=True))
    assert result.dry_run and result.labels == ("001_note",)
    assert names(full) == EVERYTHING


def reason_of(run: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        run()
    assert caught.value.exit_code == 4
    return caught.value.reason


def test_without_its_own_approval_nothing_is_deleted(full: Any) -> None:
    good = signed(full, "001_note")
    wrong = {
        "no-approval": lambda: purge.purge(full.request(None)),
        "expired": lambda: purge.purge(full.request(signed(full, "001_note", age=timedelta(hours=2)))),
        "rejected": lambda: purge.purge(full.request(signed(full, "001_note", approve=False))),
        "wrong-kind": lambda: purge.purge(full.request(full.approve(full.plan("002_id", kind="rollback")))),
        "other-environment": lambda: purge.purge(full.request(good, environment="staging")),
        "bad-signature": lambda: purge.purge(
            full.request(dataclasses.replace(good, payload={**good.payload, "expires": good.payload["created"]}))
        ),
        "plan-mismatch": lambda: purge.purge(
            full.request(dataclasses.replace(good, plan={**good.plan, "labels": ["002_id"]}))
        ),
    }
    assert {reason: reason_of(run) for reason, run in wrong.items()} == {reason: reason for reason in wrong}
    assert reason_of(lambda: apply(full.request(good))) == "wrong-kind"
    assert names(full) == EVERYTHING
    assert full.ask("SELECT count(*) FROM agentdb.purges") == 0


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE agentdb_archive.m001_t",
        """CREATE TABLE agentdb_archive.x AS TABLE agentdb_archive.m001_t; DROP TABLE agentdb_archive.m001_t;
        ALTER TABLE agentdb_archive.x RENAME TO m001_t""",
        "TRUNCATE agentdb_archive.m001_t",
        "UPDATE agentdb_archive.captures SET captured_at = now() WHERE migration = '001_note'",
        "CREATE TABLE agentdb_archive.m001_t_after (a int)",
        "ALTER TABLE t ADD COLUMN other int",
    ],
)
def test_a_thing_that_is_no_longer_the_same_is_not_deleted(full: Any, change: str) -> None:
    approval = signed(full, "001_note")
    with full.database.connect() as conn:
        conn.execute(change.encode())
    assert reason_of(lambda: purge.purge(full.request(approval))) == "drifted"
    assert full.ask("SELECT count(*) FROM agentdb.approvals WHERE kind = 'purge'") == 0


def test_what_hangs_on_a_thing_stops_the_purge_whole(full: Any) -> None:
    with full.database.connect() as conn:
        conn.execute("CREATE VIEW looks AS SELECT * FROM agentdb_archive.m002_old_00000002")
    approval = signed(full, "001_note", "002_id")
    with pytest.raises(DatabaseError, match="depend"):
        purge.purge(full.request(approval, limits=Limits(lock_attempts=1)))
    assert names(full) == EVERYTHING
    assert full.ask("SELECT count(*) FROM agentdb.approvals WHERE kind = 'purge'") == 0


def test_after_a_purge_the_rollback_is_refused_and_says_why(full: Any) -> None:
    assert full.plan("001_note", kind="rollback").migrations  # before it, it is not
    approval = full.approve(full.plan("002_id", kind="rollback"))
    purge.purge(full.request(signed(full, "001_note", "002_id")))
    for label in ("001_note", "002_id"):
        with pytest.raises(RefusedError, match=rf"{label} kept were purged on \d{{4}}-.*no longer holds") as caught:
            full.plan(label, kind="rollback")
        assert caught.value.reason == "purged" and "--no-data" in caught.value.hint
    from agentdb.tools.ledger.apply import roll_back

    assert reason_of(lambda: roll_back(full.request(approval))) == "purged"  # an approval given before does not help


def test_a_rollback_that_needs_no_copies_still_runs(full: Any) -> None:
    purge.purge(full.request(signed(full, "001_note", "002_id")))
    (full.layout.rollback / "002_id.sql").write_text(
        "DELETE FROM t;\nALTER TABLE t ADD COLUMN id int PRIMARY KEY;\nCREATE TABLE old (a int);\n"
    )
    assert full.roll_back("002_id").done[0].status == "rolled back"


def test_copies_that_somebody_dropped_by_hand_are_missed_too(full: Any) -> None:
    with full.database.connect() as conn:
        conn.execute("DROP TABLE agentdb_archive.m001_t")
    with pytest.raises(RefusedError, match="001_note kept are not there"):
        full.plan("001_note", kind="rollback")


def test_where_no_approval_is_needed_the_named_ones_go(full: Any) -> None:
    request = full.request(None, policy=plan.Policy({"prod": False}), labels=("001_note",))
    assert purge.purge(request).labels == ("001_note",)
    assert names(full) == EVERYTHING[1:]
