"""agentdb rollback NNN as a person meets it: what is shown, what is refused, what is done, and the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import terminal
from support.emergency import MIGRATIONS, SHOP, Scene
from support.own_server import own_server
from support.shop import state_of

from agentdb.tools.sandbox.server import SandboxServer


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


@pytest.mark.slow
def test_from_the_question_to_the_report(scene: Scene) -> None:
    scene.do("INSERT INTO loyalty VALUES (1, 2)")
    before = state_of(scene.database.dsn)
    shown = scene.run("rollback", "004", "--target", "prod", "--dry-run")
    for words in (
        "CAN BE TAKEN BACK, AT A COST: 004_loyalty",
        "by tester@here, approved by ada@example.org",
        "is what agentdb's last work here left",
        "LOSSLESS proven now on today's schema",
        "ACCESS EXCLUSIVE on public.loyalty",
        "table public.loyalty: 1 row\n",
        "agentdb approve --rollback 004 --target prod",
    ):
        assert words in shown, shown
    refused = scene.run("rollback", "004", "--target", "prod", "--quick", code=4)
    assert "nobody has approved this" in refused and "agentdb approve --rollback 004 --target prod" in refused
    assert state_of(scene.database.dsn) == before and scene.reports() == []
    assert "LOSSLESS" in scene.approve("004")
    done = scene.run("rollback", "004", "--why", "points were counted twice")
    assert "Taken back and verified" in done
    assert scene.ask("SELECT to_regclass('loyalty')") == [(None,)]

    (page,), (file,) = scene.reports(), scene.reports("json")
    told = json.loads(file.read_text())
    assert told["verdict"] == "taken back and verified" and told["why"] == "points were counted twice"
    assert told["timeline"][0]["what"].startswith("004_loyalty applied, by tester@here")
    assert told["approval"]["approver"] == "ada@example.org" and told["approval"]["plan_sha256"] == told["plan_sha256"]
    (statement,) = told["statements"]
    assert statement["text"] == "DROP TABLE loyalty" and statement["seconds"] > 0 and statement["began"]
    assert told["verification"]["ok"] is True
    assert told["not_back"] == ["went with the rollback: table public.loyalty: 1 row"]
    text = page.read_text()
    for heading in ("## Timeline", "## What was assessed before", "## Approval", "## What ran", "## Verification"):
        assert heading in text
    assert "DROP TABLE loyalty" in text and told["plan_sha256"] in text and "counted twice" in text

    again = scene.run("rollback", "004", "--target", "prod")
    assert "NOTHING TO TAKE BACK" in again and "taken back already" in again


@pytest.mark.slow
def test_a_state_that_moved_on_is_shown_proven_again_and_needs_a_fresh_approval(scene: Scene) -> None:
    scene.run("rollback", "004", "--target", "prod", "--dry-run")
    scene.approve("004")
    scene.do("ALTER TABLE customers ADD COLUMN vip boolean; CREATE INDEX by_points ON loyalty (points)")
    before = state_of(scene.database.dsn)
    shown = scene.run("rollback", "004", "--target", "prod", code=4)
    for words in (
        "was changed since, and not by agentdb",
        "column public.customers.vip added",
        "index public.loyalty.by_points added",
        "the schema is another one than the migrations left",
        "Made by hand, and goes along",
        "the schema has moved on since ada@example.org approved",
        "agentdb approve --rollback 004 --target prod",
    ):
        assert words in " ".join(shown.split()), shown
    assert state_of(scene.database.dsn) == before and scene.reports() == []
    # neither does the older way let it through
    assert "no longer what it was" in scene.run("rollback", "run", "004", code=4)

    shutil.rmtree(scene.layout.state_dir / "proofs")  # the one who approves sits at another machine
    assert "LOSSLESS (for another schema)" in scene.approve("004")
    done = scene.run("rollback", "004", "--target", "prod")
    assert "Taken back and verified" in done, done
    assert scene.columns() == ["id", "email", "note", "phone", "vip"]
    told = json.loads(scene.reports("json")[0].read_text())
    assert "column public.customers.vip added" in " ".join(told["assessed"]["moved"]["differences"])
    assert any("by_points" in line for line in told["not_back"])


def test_what_was_dropped_by_hand_makes_the_rollback_impossible_and_nothing_runs(scene: Scene) -> None:
    scene.do("ALTER TABLE customers DROP COLUMN phone")
    before = state_of(scene.database.dsn)
    shown = " ".join(scene.run("rollback", "003", "002", "--target", "prod", code=3).split())
    assert shown.startswith("CANNOT BE TAKEN BACK: 003_phone_index, 002_phone")
    assert "agentdb: 003_phone_index: the rollback fails today" in shown
    assert "column public.customers.phone dropped" in shown and "undo that first" in shown
    assert state_of(scene.database.dsn) == before and scene.reports() == []


@pytest.mark.slow
def test_what_builds_on_it_goes_with_it_or_nothing_goes(scene: Scene) -> None:
    before = state_of(scene.database.dsn)
    shown = " ".join(scene.run("rollback", "002", "--target", "prod", code=4).split())
    assert "003_phone_index builds on 002_phone and must be taken back with it" in shown
    assert "agentdb rollback 003 002 --target prod" in shown and "004" not in shown.split("All of them:")[1]
    assert state_of(scene.database.dsn) == before
    # 004 stands alone, so it stays; the way back is proven beside it
    shown = scene.run("rollback", "002", "003", "--target", "prod", "--dry-run")
    assert "applied later, and staying: 004_loyalty" in shown
    assert shown.index("1. 003_phone_index") < shown.index("2. 002_phone")
    scene.approve("002", "003")
    assert "Taken back and verified" in scene.run("rollback", "003", "002", "--target", "prod")
    assert scene.columns() == ["id", "email", "note"] and scene.columns("loyalty") == ["id", "points"]
    told = json.loads(scene.reports("json")[0].read_text())
    assert told["migrations"] == ["003_phone_index", "002_phone"]
    assert [s["migration"] for s in told["statements"]] == told["migrations"]


def test_what_is_not_applied_or_unknown_is_told(scene: Scene) -> None:
    scene.write("005_new", "CREATE TABLE fresh (id int);\n", "DROP TABLE fresh;\n")
    assert "005_new is not applied here" in scene.run("rollback", "005", code=4)
    assert "there is no such migration" in scene.run("rollback", "099", code=2)
    (scene.layout.rollback / "004_loyalty.sql").unlink()
    assert "004_loyalty has no rollback script" in scene.run("rollback", "004", code=4)


def test_programs_get_json_and_are_never_asked(scene: Scene) -> None:
    (scene.layout.rollback / "004_loyalty.sql").write_text("DROP TABLE loyalty;\n")
    told = json.loads(scene.run("rollback", "004", "--dry-run", "--format", "json"))
    assert told["schema_version"] == 1 and told["outcome"] is None
    (proof,) = told["assessment"]["proofs"]
    assert (proof["klass"], proof["proven"], proof["basis"]) == ("LOSSLESS", True, "proven now on today's schema")
    assert "nobody has certified this rollback" in proof["stale"]
    assert "the rollback script was edited since it ran" in proof["stale"]
    assert told["assessment"]["refusal"] is None and len(told["assessment"]["plan_sha256"]) == 64


@pytest.mark.slow
def test_a_recovery_plan_says_from_where_on_going_back_costs_what(scene: Scene) -> None:
    scene.write("005_by_email", "CREATE INDEX by_email ON customers (email);\n", "DROP INDEX by_email;\n")
    scene.write("006_level", "ALTER TABLE loyalty ADD COLUMN level int;\n", "ALTER TABLE loyalty DROP COLUMN level;\n")
    scene.write("007_no_note", "ALTER TABLE customers DROP COLUMN note;\n")
    shown = " ".join(scene.run("rollback", "plan", "--target", "prod", "--release", "spring").split())
    assert "Point of no return: 006_level, step 2 of 3" in shown
    assert "agentdb rollback 007 006 005 --target prod" in shown
    page = scene.layout.docs_dir / "reports/recovery-spring.md"
    file = page.with_suffix(".json")
    first = page.read_bytes(), file.read_bytes()
    told = json.loads(first[1])
    assert [s["certificate"] for s in told["steps"]] == ["LOSSLESS", "LOSSLESS", "no script"]
    assert told["point_of_no_return"]["why"] == "what was written to public.loyalty.level since is lost"
    assert told["no_whole_way_back_from"] == {"step": 3, "migration": "007_no_note", "why": "it has no rollback script"}
    assert told["steps"][0]["locks"] == ["ACCESS EXCLUSIVE on public.customers"]
    assert told["steps"][0]["time"].startswith("short") and told["steps"][2]["time"] == "UNKNOWN"
    assert told["approval"]["approvers"] == ["ada@example.org"]
    text = first[0].decode()
    assert "Up to step 1 going back costs nothing." in text and "ada&#64;example.org" in text
    assert text.index("### `007_no_note`") < text.index("### `005_by_email`")
    scene.run("rollback", "plan", "--target", "prod", "--release", "spring")
    assert (page.read_bytes(), file.read_bytes()) == first


@pytest.mark.slow
def test_a_person_at_a_terminal_is_asked_for_the_databases_name(scene: Scene) -> None:
    environment = terminal.environment(
        SHOP_URL=scene.database.dsn.reveal(), AGENTDB_SANDBOX_DSN=scene.sandbox, NO_COLOR="1"
    )
    question = "Type the name of the target's database (prod) to take this back"

    def asked() -> terminal.Terminal:
        made = terminal.Terminal("rollback", "004", "--target", "prod", cwd=scene.root, env=environment)
        shown = made.wait_for(question)
        assert "CAN BE TAKEN BACK" in shown and "DROP TABLE loyalty" in shown
        return made

    before = state_of(scene.database.dsn)
    wrong = asked()
    wrong.line("yes")
    assert "nothing was signed, nothing ran" in " ".join(wrong.wait_for("ran").split())
    assert wrong.end() == 4
    assert state_of(scene.database.dsn) == before and scene.reports() == []
    right = asked()
    right.line(scene.database.name)
    right.wait_for("Incident report: ")
    assert right.end() == 0
    assert scene.ask("SELECT to_regclass('loyalty')") == [(None,)]
