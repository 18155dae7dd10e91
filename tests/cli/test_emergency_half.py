"""agentdb rollback NNN where something stopped half way: a migration without a transaction, a rollback that was killed,
and rows that were kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.applier import start
from support.emergency import MIGRATIONS, SHOP, Scene
from support.own_server import own_server
from support.shop import state_of

from agentdb.errors import DatabaseError
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

PARCELS = (
    (
        "-- agentdb: no-transaction\nCREATE TABLE parcels (id int PRIMARY KEY);\n"
        "CREATE INDEX CONCURRENTLY customers_note ON customers (note);\n"
        "ALTER TABLE customers ADD CONSTRAINT no_note CHECK (note IS NULL);\n"
    ),
    (
        "-- agentdb: no-transaction\nALTER TABLE customers DROP CONSTRAINT no_note;\n"
        "DROP INDEX CONCURRENTLY customers_note;\nDROP TABLE parcels;\n"
    ),
)


@pytest.fixture(scope="module")
def production() -> Iterator[SandboxServer]:
    """A server that is nobody's sandbox."""
    with own_server({}) as made:
        yield made


@pytest.fixture
def scene(
    production: SandboxServer,
    server: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Scene]:
    """The shop with its migrations applied."""
    with production.create() as database:
        made = Scene(tmp_path, database, server.dsn.reveal(), monkeypatch, capsys)
        made.do(SHOP)
        for label, (up, down) in MIGRATIONS.items():
            made.write(label, up, down)
        made.apply()
        yield made


def stopped_at(scene: Scene, point: str) -> None:
    """Parcels, applied until a point at which the session is lost."""

    class Lost(BaseException):
        pass

    def checkpoint(here: str) -> None:
        if here == point:
            raise Lost

    with pytest.raises(Lost):
        scene.apply(checkpoint=checkpoint)


def test_a_migration_that_failed_half_way_is_undone_as_far_as_it_came(scene: Scene) -> None:
    clean = state_of(scene.database.dsn)["fingerprint"]
    scene.write("005_parcels", *PARCELS)
    with pytest.raises(DatabaseError):
        scene.apply()  # the rows have notes, so the third statement fails
    shown = " ".join(scene.run("rollback", "005", "--target", "prod", "--dry-run").split())
    assert "005_parcels half applied" in shown and "failed at statement 3 of 3" in shown
    assert "1 statement of its rollback would find nothing and is left out" in shown
    assert "DROP CONSTRAINT" not in shown.split("The way back")[1].split("Notes")[0]
    partial = scene.layout.rollback / "005_parcels.partial.sql"
    assert partial.read_text().startswith("-- agentdb: no-transaction, partial 2\n")
    assert "DROP INDEX CONCURRENTLY customers_note" in scene.approve("005")
    done = scene.run("rollback", "005", "--target", "prod")
    assert "Taken back and verified" in done, done
    assert state_of(scene.database.dsn)["fingerprint"] == clean
    assert not partial.exists() and (scene.layout.rollback / "005_parcels.sql").exists()


def test_an_index_that_stayed_invalid_goes_too(scene: Scene) -> None:
    clean = state_of(scene.database.dsn)["fingerprint"]
    scene.write("005_parcels", *PARCELS)
    stopped_at(scene, "ran-1")
    # as a killed build leaves it
    scene.do("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'customers_note'::regclass")
    shown = " ".join(scene.run("rollback", "005", "--target", "prod", "--dry-run").split())
    assert "INVALID" in shown and "DROP INDEX CONCURRENTLY customers_note" in shown
    scene.approve("005")
    assert "Taken back and verified" in scene.run("rollback", "005", "--target", "prod")
    assert state_of(scene.database.dsn)["fingerprint"] == clean


def test_a_half_that_nobody_can_prove_is_left_alone_with_a_way_out(scene: Scene) -> None:
    scene.write("005_parcels", PARCELS[0], "-- agentdb: no-transaction\nDROP TABLE parcels;\n")
    with pytest.raises(DatabaseError):
        scene.apply()
    before = state_of(scene.database.dsn)
    shown = " ".join(scene.run("rollback", "005", "--target", "prod", code=3).split())
    assert "no way back of the half of 005_parcels that is there can be proven" in shown
    assert "agentdb apply --resume" in shown and "by hand, as migrations/rollback/005_parcels.sql" in shown
    assert state_of(scene.database.dsn) == before and scene.reports() == []


def killed(scene: Scene, point: str, *versions: str) -> None:
    """A rollback on a person's approval, killed at a point in a process of its own."""
    scene.run("rollback", *versions, "--target", "prod", "--dry-run")
    scene.approve(*versions)
    (approval,) = (scene.layout.state_dir / "approvals").glob("*.json")
    job: dict[str, Any] = {
        "root": str(scene.root),
        "dsn": scene.database.dsn.reveal(),
        "approval": str(approval),
        "kind": "rollback",
        "die_at": point,
        "result": str(scene.root / "result"),
    }
    process = start(job)
    process.join(60)
    assert process.exitcode == -9


def test_a_rollback_that_was_killed_between_two_goes_on_under_its_own_approval(scene: Scene) -> None:
    killed(scene, "measured-004_loyalty", "003", "004")
    assert scene.ask("SELECT to_regclass('loyalty'), to_regclass('customers_phone')") == [(None, "customers_phone")]
    shown = " ".join(scene.run("rollback", "004", "003", "--target", "prod", "--dry-run").split())
    assert "approved by ada@example.org, and was cut short: 004_loyalty is back" in shown
    assert "To go on: agentdb rollback 003" in shown
    done = scene.run("rollback", "004", "003", "--target", "prod")
    assert "Taken back and verified" in done and "rolled back before" in done, done
    assert scene.ask("SELECT to_regclass('customers_phone')") == [(None,)]
    told = json.loads(scene.reports("json")[0].read_text())
    assert told["migrations"] == ["004_loyalty", "003_phone_index"]
    assert "the interrupted rollback continued" in [e["what"] for e in told["timeline"]]


def test_where_the_ledger_cannot_vouch_for_the_rest_a_fresh_approval_is_asked_for(scene: Scene) -> None:
    killed(scene, "committed-004_loyalty", "003", "004")
    shown = " ".join(scene.run("rollback", "004", "003", "--target", "prod", code=4).split())
    assert "The approval of then does not do for the rest" in shown
    assert "agentdb approve --rollback 003 --target prod" in shown
    assert scene.ask("SELECT to_regclass('customers_phone')") == [("customers_phone",)]
    scene.approve("003")
    assert "Taken back and verified" in scene.run("rollback", "004", "003", "--target", "prod")


def test_a_rollback_killed_inside_a_transaction_left_nothing_and_is_not_continued_on_another_state(
    scene: Scene,
) -> None:
    killed(scene, "before-commit", "004")
    assert scene.columns("loyalty") == ["id", "points"]
    scene.do("ALTER TABLE loyalty ADD COLUMN extra int")
    before = state_of(scene.database.dsn)
    shown = " ".join(scene.run("rollback", "004", "--target", "prod", code=4).split())
    assert "was cut short: nothing was taken back" in shown and "column public.loyalty.extra added" in shown
    assert state_of(scene.database.dsn) == before
    scene.approve("004")
    assert "Taken back and verified" in scene.run("rollback", "004", "--target", "prod")


def test_rows_kept_come_back_rows_written_since_stay_and_copies_that_are_gone_are_missed(scene: Scene) -> None:
    scene.write("005_no_note", "ALTER TABLE customers DROP COLUMN note;\n")
    scene.run("rollback", "draft", "migrations/pending/005_no_note.sql", "--target", "prod")
    notes = scene.ask("SELECT id, note FROM customers ORDER BY id")
    scene.apply()
    scene.do("INSERT INTO customers (id, email) VALUES (9, 'new@example.org')")
    told = json.loads(scene.run("rollback", "005", "--dry-run", "--format", "json"))["assessment"]
    (kept,) = told["preimages"]
    assert (kept["relation"], kept["kept"], kept["there"]) == ("public.customers", 5, True)
    assert [(s["table"], s["rows"]) for s in told["since"]] == [("public.customers", 1)]

    scene.do("ALTER TABLE agentdb_archive.m005_customers RENAME TO elsewhere")
    before = state_of(scene.database.dsn)
    shown = scene.run("rollback", "005", "--target", "prod", code=4)
    assert "5 rows in agentdb_archive.m005_customers ARE GONE" in shown
    assert "the rows that 005_no_note kept are not there" in shown
    assert state_of(scene.database.dsn) == before

    scene.do("ALTER TABLE agentdb_archive.elsewhere RENAME TO m005_customers")
    scene.approve("005")
    assert "Taken back" in scene.run("rollback", "005", "--target", "prod")
    assert scene.ask("SELECT id, note FROM customers ORDER BY id") == [*notes, (9, None)]
