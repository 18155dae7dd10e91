"""The refusal matrix: whatever is not exactly what was approved, does not reach the target.

The apply goes through a recorder that sits between driver and server and keeps every session and statement.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.recorder import Recorder

from agentdb.errors import RefusedError
from agentdb.tools.ledger import approvals, prints, signing
from agentdb.tools.ledger.apply import apply, roll_back
from agentdb.tools.ledger.canonical import canonical
from agentdb.tools.ledger.plan import Policy
from agentdb.tools.schema.snapshot import read_snapshot

UP = "CREATE TABLE customers (id int PRIMARY KEY, note text DEFAULT 'a\nb');\n"
DOWN = "DROP TABLE customers;\n"
CAPTURE = "CREATE SCHEMA IF NOT EXISTS agentdb_archive;\n"


@pytest.fixture
def recorder(project: Any) -> Iterator[Recorder]:
    made = Recorder(project.dsn)
    yield made
    made.close()


def state_of(project: Any) -> tuple[str, Any, str]:
    """Everything that an apply could change in the target, agentdb's own schema with it, and the migration's folder."""
    with project.database.connect() as conn:
        schema = prints.of(read_snapshot(conn, ignore_schemas=())).fingerprint
        ledger = conn.execute("SELECT to_regclass('agentdb.history')").fetchone()
        rows = conn.execute("SELECT * FROM agentdb.history ORDER BY id").fetchall() if ledger and ledger[0] else []
    return schema, rows, "".join(sorted(str(p) for p in project.layout.base.rglob("*.sql")))


def refused(project: Any, recorder: Recorder, run: Callable[[], Any]) -> str:
    """The reason of the refusal, once it is sure that nothing reached the target."""
    before = state_of(project)
    with pytest.raises(RefusedError) as caught:
        run()
    assert caught.value.exit_code == 4
    assert state_of(project) == before
    assert all("default_transaction_read_only=on" in options for options in recorder.sessions)
    assert not any("agentdb apply" in options for options in recorder.sessions)
    sent = "\n".join(s for s in recorder.statements if s != "SET default_transaction_read_only = on")
    assert "customers" not in sent and "read_only" not in sent and "READ WRITE" not in sent.upper()
    return caught.value.reason


def through(project: Any, recorder: Recorder, approval: Any, **more: Any) -> Callable[[], Any]:
    return lambda: apply(project.request(approval, dsn=recorder.dsn, **more))


@pytest.fixture
def approved(project: Any) -> Any:
    """A project with one migration of three files, and its approval."""
    project.write("001_customers", UP, DOWN, CAPTURE)
    return project.approve()


FILES: dict[str, Callable[[Any], None]] = {
    "a byte of the migration": lambda p: _edit(p.layout.pending / "001_customers.sql", "id int", "id  int"),
    "a comment at its end": lambda p: _edit(p.layout.pending / "001_customers.sql", ");\n", "); -- x\n"),
    "a blank inside a string": lambda p: _edit(p.layout.pending / "001_customers.sql", "'a\n", "'a \n"),
    "its line endings": lambda p: (p.layout.pending / "001_customers.sql").write_bytes(
        UP.replace("\n", "\r\n").encode()
    ),
    "a byte of the rollback script": lambda p: _edit(
        p.layout.rollback / "001_customers.sql", "TABLE", "TABLE IF EXISTS"
    ),
    "the rollback script gone": lambda p: (p.layout.rollback / "001_customers.sql").unlink(),
    "a byte of the capture script": lambda p: _edit(p.layout.rollback / "001_customers.capture.sql", "IF", " IF"),
    "the capture script gone": lambda p: (p.layout.rollback / "001_customers.capture.sql").unlink(),
    "the migration gone": lambda p: (p.layout.pending / "001_customers.sql").unlink(),
    "the migration renamed": lambda p: (p.layout.pending / "001_customers.sql").rename(p.layout.pending / "002_x.sql"),
}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("what", FILES)
def test_a_file_changed_after_the_approval_is_refused(
    project: Any, approved: Any, recorder: Recorder, what: str
) -> None:
    FILES[what](project)
    assert refused(project, recorder, through(project, recorder, approved)) == "changed-file"
    assert recorder.sessions == []


def test_the_approval_itself_holds(project: Any, approved: Any, recorder: Recorder) -> None:
    through(project, recorder, approved)()
    assert any("agentdb apply" in options for options in recorder.sessions)
    assert any("CREATE TABLE customers" in text for text in recorder.statements)


def test_another_database_is_refused(project: Any, approved: Any, server: Any) -> None:
    with server.create() as other:
        recorder = Recorder(other.dsn)
        project.database = other
        assert refused(project, recorder, through(project, recorder, approved)) == "other-target"
        recorder.close()


def test_another_system_of_the_same_name_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    plan = dataclasses.replace(project.plan(), system_identifier="7000000000000000000")
    assert refused(project, recorder, through(project, recorder, project.approve(plan))) == "other-target"


def test_a_schema_changed_since_the_approval_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    project.do("CREATE TABLE sneaked_in (id int)")
    assert refused(project, recorder, through(project, recorder, approved)) == "drifted"


def test_a_schema_changed_between_gate_and_work_is_refused(project: Any, approved: Any) -> None:
    def sneak(point: str) -> None:
        if point == "begun-001_customers":
            project.do("CREATE TABLE sneaked_in (id int)")

    with pytest.raises(RefusedError) as caught:
        apply(project.request(approved, checkpoint=sneak))
    assert caught.value.reason == "drifted"
    assert project.ask("SELECT to_regclass('customers') IS NULL")
    assert [(r.status, r.dirty) for r in project.runs()] == [("failed", False)]


def test_an_expired_approval_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    late = project.approve(age=timedelta(hours=2))
    assert refused(project, recorder, through(project, recorder, late)) == "expired"
    assert recorder.sessions == []


def test_a_clock_set_back_does_not_help(project: Any, approved: Any, recorder: Recorder) -> None:
    late = project.approve(age=timedelta(hours=2))
    back = through(project, recorder, late, clock=lambda: datetime.now(UTC) - timedelta(hours=1, minutes=30))
    assert refused(project, recorder, back) == "expired"


def test_an_approval_from_the_future_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    early = project.approve(age=-timedelta(hours=1))
    assert refused(project, recorder, through(project, recorder, early)) == "not-yet-valid"


def test_an_approval_is_good_for_one_use(project: Any, approved: Any, recorder: Recorder) -> None:
    apply(project.request(approved))
    assert refused(project, recorder, through(project, recorder, approved)) == "replayed"
    again = through(project, recorder, approved, resume=True)
    assert [d.status for d in again().done] == ["applied before"]  # nothing is left to continue
    assert len(project.runs()) == 1


def test_an_approval_is_not_good_again_after_the_rollback(project: Any, approved: Any, recorder: Recorder) -> None:
    before = project.plan().fingerprint
    apply(project.request(approved))
    project.roll_back("001_customers")
    assert project.plan().fingerprint == before
    assert refused(project, recorder, through(project, recorder, approved)) == "replayed"
    again = through(project, recorder, approved, resume=True)
    assert refused(project, recorder, again) == "replayed"


FORGED: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "a later end": ("bad-signature", lambda p, a: _with(a, expires="2099-01-01T00:00:00.000000Z")),
    "another nonce": ("bad-signature", lambda p, a: _with(a, nonce="0" * 32)),
    "another plan": ("bad-signature", lambda p, a: _with(a, plan_sha256="0" * 64)),
    "another environment": ("bad-signature", lambda p, a: _with(a, environment="dev")),
    "another database": ("bad-signature", lambda p, a: _with(a, database="other")),
    "another approver": ("unknown-signer", lambda p, a: _signed_as(p, a, "eve@example.org")),
    "a no turned into a yes": ("bad-signature", lambda p, a: _with(p.approve(approve=False), decision="approve")),
    "the signature of another": ("bad-signature", lambda p, a: dataclasses.replace(a, signature=p.approve().signature)),
    "a signature for git": ("bad-signature", lambda p, a: _for_git(p, a)),
    "no signature": ("bad-signature", lambda p, a: dataclasses.replace(a, signature="")),
    "half a signature": (
        "bad-signature",
        lambda p, a: dataclasses.replace(a, signature=a.signature[:120] + "\n-----END SSH SIGNATURE-----\n"),
    ),
    "an unknown key": ("unknown-signer", lambda p, a: _by_stranger(p)),
    "another plan inside": (
        "plan-mismatch",
        lambda p, a: dataclasses.replace(a, plan={**a.plan, "environment": "dev"}),
    ),
    "a no": ("rejected", lambda p, a: p.approve(approve=False)),
    "a rollback's": ("wrong-kind", lambda p, a: p.approve(dataclasses.replace(p.plan(), kind="rollback"))),
    "nothing": ("no-approval", lambda p, a: None),
    "a plan of our own making": (
        "plan-mismatch",
        lambda p, a: p.approve(dataclasses.replace(p.plan(), evidence_sha256="x", policy={})),
    ),
    "a plan without a migration's hash": ("changed-file", lambda p, a: p.approve(_without_hash(p.plan()))),
}


def _with(approval: Any, **changes: str) -> Any:
    return dataclasses.replace(approval, payload={**approval.payload, **changes})


def _signed_as(project: Any, approval: Any, name: str) -> Any:
    payload = {**approval.payload, "approver": name}
    return dataclasses.replace(approval, payload=payload, signature=signing.signature(canonical(payload), project.key))


def _for_git(project: Any, approval: Any) -> Any:
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", str(project.key), "-n", "git"],
        input=canonical(dict(approval.payload)),
        capture_output=True,
        check=True,
    )
    return dataclasses.replace(approval, signature=made.stdout.decode())


def _by_stranger(project: Any) -> Any:
    folder = project.layout.root / "stranger"
    return project.approve(key=approvals.create_local_key(folder, "ada@example.org"))


def _without_hash(plan: Any) -> Any:
    return dataclasses.replace(plan, migrations=(dataclasses.replace(plan.migrations[0], exact_sha256=""),))


@pytest.mark.parametrize("what", FORGED)
def test_what_was_not_signed_like_this_is_refused(project: Any, approved: Any, recorder: Recorder, what: str) -> None:
    reason, forge = FORGED[what]
    forged = forge(project, approved)
    assert refused(project, recorder, through(project, recorder, forged)) == reason


def test_an_apply_is_no_rollback_either(project: Any, approved: Any, recorder: Recorder) -> None:
    apply(project.request(approved))
    other = project.approve(project.plan("001_customers", kind="rollback"))
    forged = _with(other, kind="apply")
    for approval, reason in ((approved, "wrong-kind"), (forged, "bad-signature")):
        request = project.request(approval, dsn=recorder.dsn)
        assert refused(project, recorder, partial(roll_back, request)) == reason


def test_the_wrong_environment_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    run = through(project, recorder, approved, environment="staging")
    assert refused(project, recorder, run) == "other-environment"


def test_a_database_that_was_production_stays_it(project: Any, approved: Any, recorder: Recorder) -> None:
    apply(project.request(approved))
    project.write("002_more", "CREATE TABLE more (id int);\n")
    free = Policy({"dev": False})
    run = through(project, recorder, None, environment="dev", policy=free)
    assert refused(project, recorder, run) == "other-environment"


def test_another_policy_than_the_approved_one_is_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    run = through(project, recorder, approved, policy=Policy({"prod": False}))
    assert refused(project, recorder, run) == "plan-mismatch"


def test_signers_that_anyone_may_change_count_for_nothing(project: Any, approved: Any, recorder: Recorder) -> None:
    project.signers.chmod(0o666)
    assert refused(project, recorder, through(project, recorder, approved)) == "unsafe-signers"
    project.signers.unlink()
    assert refused(project, recorder, through(project, recorder, approved)) == "no-signers"


def test_a_lock_held_elsewhere_is_waited_for_and_then_refused(project: Any, approved: Any, recorder: Recorder) -> None:
    from agentdb.tools.ledger import lock

    naps: list[float] = []
    limits = dataclasses.replace(project.request(None).limits, lock_wait_seconds=0.0)
    with lock.hold(project.dsn, wait_seconds=0):
        run = through(project, recorder, approved, limits=limits, sleep=naps.append)
        assert refused(project, recorder, run) == "locked"


def test_every_refusal_is_noted_on_this_machine(project: Any, approved: Any, recorder: Recorder) -> None:
    from agentdb.tools.ledger import audit

    refused(project, recorder, through(project, recorder, None))
    refused(project, recorder, through(project, recorder, _with(approved, nonce="0" * 32)))
    found = audit.local_entries(project.layout.state_dir)
    assert [(e.event, e.detail["reason"]) for e in found] == [("refused", "no-approval"), ("refused", "bad-signature")]
    assert audit.verify(found).ok


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"format": 1, "format": 2}',
        "[" * 100_000,
        '{"format":"agentdb-approval-file/1","payload":{},"plan":{},"signature":""}',
        '{"format":"agentdb-approval-file/1","payload":{"format":NaN},"plan":{},"signature":""}',
    ],
)
def test_a_file_that_is_no_approval_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "approval.json"
    path.write_text(text)
    with pytest.raises(RefusedError) as caught:
        approvals.read(path)
    assert caught.value.reason == "bad-approval"


def test_an_approval_survives_its_file(project: Any, approved: Any, recorder: Recorder) -> None:
    path = approvals.write(approved, approvals.path_for(project.layout.state_dir, approved.plan_sha256))
    assert path.stat().st_mode & 0o777 == 0o600
    assert approvals.read(path) == approved
    text = path.read_text()
    path.write_text(text.replace('"decision": "approve"', '"decision": "approve", "extra": "x"'))
    with pytest.raises(RefusedError):
        approvals.read(path)
    path.write_text(text)
    through(project, recorder, approvals.read(path))()
