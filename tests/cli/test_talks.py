"""run, review and triage as a person or a script meets them: what is shown, what is asked, and the exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.own_server import own_server
from support.shop import SETTINGS, VARIABLE, Shop, applied_in, fill, state_of
from support.stub import Stub, serving
from support.terminal import Terminal, environment

from agentdb.cli.app import main
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

ONE = {"004_phone": "ALTER TABLE customers ADD COLUMN phone text;\n"}
HAZARD = {"003_orders_by_customer": "CREATE INDEX orders_by_customer ON orders (customer_id);\n"}
DROP = {"003_drop_note": "ALTER TABLE orders DROP COLUMN note;\n"}


@pytest.fixture(scope="module")
def production_server(server: SandboxServer) -> Iterator[SandboxServer]:
    with own_server({}) as made:
        yield made


@pytest.fixture
def production(production_server: SandboxServer) -> Iterator[SandboxDatabase]:
    with production_server.create() as made:
        fill(made)
        yield made


class Desk:
    """A person's desk: the project, and the command line in it."""

    def __init__(
        self, root: Path, production: SandboxDatabase, server: SandboxServer, patch: pytest.MonkeyPatch,
        printed: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        self.root, self.production, self.patch, self.printed = root, production, patch, printed
        self.environ = {VARIABLE: production.dsn.reveal(), "AGENTDB_SANDBOX_DSN": server.dsn.reveal(), "NO_COLOR": "1"}
        for name, value in self.environ.items():
            patch.setenv(name, value)
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AGENTDB_MODEL", "AGENTDB_FAIL_ON"):
            patch.delenv(name, raising=False)
        self.shop = Shop.make(root, production.dsn, ONE)
        patch.chdir(root)

    def pending(self, migrations: dict[str, str]) -> None:
        """Have these migrations pending instead of the shop's own."""
        for path in self.shop.layout.pending.glob("*.sql"):
            path.unlink()
        for label, sql in migrations.items():
            self.shop.write(label, sql)

    def strict(self, *rules: str) -> None:
        """Have these rules block, however few rows there are."""
        lines = "".join(f'{rule} = "error"\n' for rule in rules)
        (self.root / "agentdb.toml").write_text(f"{SETTINGS}\n[hazards.severity]\n{lines}", encoding="utf-8")

    def model(self, stub: Stub, name: str = "stub") -> None:
        for key, value in (("OPENAI_BASE_URL", stub.url), ("AGENTDB_MODEL", name)):
            self.patch.setenv(key, value)
            self.environ[key] = value

    def run(self, *arguments: str, typed: tuple[str, ...] = (), code: int = 0) -> str:
        """What a command prints; its exit code must be `code`."""
        self.patch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
        self.printed.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        self.out, err = self.printed.readouterr()
        assert (ended.value.code or 0) == code, self.out + err
        return self.out + err


@pytest.fixture
def desk(
    tmp_path: Path, production: SandboxDatabase, server: SandboxServer, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:  # fmt: skip
    return Desk(tmp_path / "shop", production, server, monkeypatch, capsys)


# ---- run


def test_run_tells_the_verdict_and_writes_the_report(desk: Desk) -> None:
    before = state_of(desk.production.dsn)
    said = desk.run("run", "--no-model")
    assert "NEEDS APPROVAL  004_phone for prod (prod)" in said
    assert "column public.customers.phone added" in said and "LOSSLESS" in said
    record = json.loads((desk.root / "docs/database/reports/pending.json").read_text())
    assert record["schema_version"] == 1 and record["verdict"]["word"] == "needs approval"
    assert (desk.root / "docs/database/reports/pending.md").read_text().startswith("<!-- agentdb report -->")
    assert (desk.root / "migrations/rollback/004_phone.sql").is_file()
    assert state_of(desk.production.dsn) == before
    desk.run("run", "--no-model", "--format", "json")
    printed = json.loads(desk.out)
    assert [e["label"] for e in printed.pop("locks")] == ["004_phone"], "what is timed anew is shown, not written"
    assert printed == record, "progress goes to stderr, and nothing differs the second time"


def test_run_fails_on_findings_in_every_format(desk: Desk) -> None:
    desk.pending(HAZARD)
    desk.strict("require-concurrent-index")
    said = desk.run("run", "--no-model", code=1)
    assert "BLOCKED" in said and "CREATE INDEX CONCURRENTLY" in said
    assert desk.run("run", "--no-model", "--format", "markdown", code=1).count("# ⛔ Blocked") == 1
    desk.run("run", "--no-model", "--format", "sarif", code=1)
    assert [r["ruleId"] for r in json.loads(desk.out)["runs"][0]["results"]] == ["require-concurrent-index"]


def test_run_of_sql_that_does_not_run_is_a_failure_with_its_place(desk: Desk) -> None:
    desk.pending({"003_typo": "\nALTER TABLE ordres ADD COLUMN x int;\n"})
    said = desk.run("run", "--no-model", code=3)
    assert "migrations/pending/003_typo.sql:2" in said and "ordres" in said


def test_run_without_pending_migrations_is_fine(desk: Desk) -> None:
    desk.pending({})
    assert "nothing is pending" in desk.run("run", "--no-model")
    assert "nothing is pending" in desk.run("run", "--no-model", "--apply")


def test_run_apply_without_an_approval_is_refused_and_with_one_goes_through(desk: Desk) -> None:
    before = state_of(desk.production.dsn)
    said = desk.run("run", "--no-model", "--apply", code=4)
    assert "nobody has approved this plan" in said and "agentdb review --thread shop:prod:pending" in said
    assert state_of(desk.production.dsn) == before
    desk.run("review", "--no-model", typed=("/approve", desk.production.name))
    assert state_of(desk.production.dsn) == before, "an approval changes nothing"
    said = desk.run("run", "--no-model", "--apply")
    assert "Applied and verified" in said
    assert applied_in(desk.production.dsn) == ["004_phone"]


def test_run_shows_the_prompts_that_it_sends(desk: Desk) -> None:
    with serving("scripted") as stub:
        desk.model(stub)
        said = desk.run("run", "--show-prompts")
        sent = stub.requests[0]["messages"][0]["content"]
    assert "You are the Migration Validator" in said and sent.splitlines()[0] in said
    assert "Notes of the crew" in said


# ---- review


def test_a_review_from_opening_to_applied_and_back_again(desk: Desk) -> None:
    desk.pending(DROP)
    desk.strict("ban-drop-column")
    name = desk.production.name
    said = desk.run(
        "review",
        "--no-model",
        typed=("/why F-1", "/rollback 3", "/sql", "/diff", "/erd", "/apply", "/approve", "not it"),
    )
    assert "agentdb review" in said and "BLOCKED" in said
    assert "instead" in said and "there is nothing to decide in this thread now" in said

    desk.patch.setenv("AGENTDB_FAIL_ON", "never")
    typed = ("/run", "/rollback 3", "/sql 003", "/diff", "/erd", "/apply", "/approve", "not it", "/approve", name)
    said = desk.run("review", "--no-model", typed=typed)
    assert "going back is" in said or "LOSSLESS" in said
    assert "ALTER TABLE orders DROP COLUMN note;" in said and "S-1" in said and "erDiagram" in said
    assert "Nobody has approved this plan yet" in said
    assert "'not it' is not the name of the target's database; nothing was signed" in said
    assert "Approved by ada@example.org" in said
    assert applied_in(desk.production.dsn) == []

    said = desk.run("review", "--no-model", typed=("/apply", "/apply", "/status"))
    assert "Going on with this thread" in said and "This plan is approved. /apply carries it out." in said
    assert "Applied and verified" in said and "there is nothing to decide" in said
    assert "There is no command /status." in said
    assert applied_in(desk.production.dsn) == ["003_drop_note"]

    said = desk.run("review", "--no-model", typed=("/quit",))
    assert "is applied and verified" in said


def test_a_review_of_one_file_and_a_no(desk: Desk) -> None:
    typed = ("/helpp", "/reject not today", "/report", "/apply")
    desk.shop.write("005_fax", "ALTER TABLE customers ADD COLUMN fax text;\n")
    said = desk.run("review", "migrations/pending/004_phone.sql", "--no-model", typed=typed)
    assert "thread shop:prod:004_phone" in said and "005_fax" not in said
    assert "There is no command /helpp. Did you mean /help?" in said
    assert "Rejected; nothing was changed." in said and "there is nothing to decide" in said
    assert applied_in(desk.production.dsn) == []
    assert "This plan was rejected." in desk.run("review", "migrations/pending/004_phone.sql", "--no-model")


def test_a_review_notices_that_a_file_changed(desk: Desk) -> None:
    desk.run("review", "--no-model", typed=("/approve", desk.production.name))
    path = desk.shop.layout.pending / "004_phone.sql"
    path.write_text(path.read_text().replace("phone", "telephone"))
    said = desk.run("review", "--no-model", typed=("/apply",))
    assert "The files changed since the crew looked at them; running again." in said
    assert "telephone" in said and "Nobody has approved this plan yet" in said
    assert applied_in(desk.production.dsn) == []


def test_a_review_answers_questions_and_remembers_them(desk: Desk) -> None:
    with serving("scripted") as stub:
        desk.model(stub)
        said = desk.run("review", typed=("what do the changes look like?",))
        assert "model stub at 127.0.0.1" in said and "The facts show what the crew measured. [T-1]" in said
        asked = len(stub.requests)
        said = desk.run("review", typed=("and now?", "/notes"))
        assert "1 question asked so far" in said
        earlier = stub.requests[asked]["messages"]
        assert any("what do the changes look like?" in str(m["content"]) for m in earlier)
        stub.mode = "lying"
        said = desk.run("review", typed=("is it approved?",))
        assert "nothing that the model said could be shown" in said and "sentences were left out" in said
        assert "APPROVED. " not in said
        stub.mode = "error"
        assert "HTTP 500" in desk.run("review", typed=("hello?",))
    said = desk.run("review", "--no-model", typed=("hello?",))
    assert "There is no model to ask" in said


def test_a_review_in_a_terminal_keeps_its_thread_when_an_answer_is_cancelled(desk: Desk) -> None:
    with serving("scripted") as stub:
        desk.model(stub)
        screen = Terminal("review", cwd=desk.root, env=environment(**desk.environ))
        screen.wait_for("Waiting for your decision on prod")
        screen.wait_for("agentdb>")
        stub.mode = "hang"
        screen.line("what is this?")
        screen.wait_for("looks it up")
        screen.type("\x03")
        screen.wait_for("cancelled")
        stub.mode = "scripted"
        screen.line("/diff")
        screen.wait_for("S-1")
        screen.line("and this?")
        screen.wait_for("The facts show what the crew measured.")
        screen.line("/approve")
        screen.wait_for("Type the name of the target's database (prod) to approve:")
        screen.line(desk.production.name)
        screen.wait_for("Approved by ada@example.org")
        screen.line("/apply")
        screen.wait_for("Applied and verified")
        screen.wait_for("Ctrl-D leaves.")
        screen.type("\x04")
        assert screen.end() == 0
    assert applied_in(desk.production.dsn) == ["004_phone"]
    history = desk.root / ".agentdb/history"
    assert "/apply" in history.read_text() and history.stat().st_mode & 0o077 == 0
    assert desk.production.name not in history.read_text(), "what is typed to confirm is not kept"


# ---- triage


def test_a_triage_names_who_blocks_whom_and_runs_nothing(desk: Desk) -> None:
    with desk.production.connect() as blocker, serving("scripted") as stub:
        blocker.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        before = len(stub.requests)
        desk.model(stub)
        typed = (
            "/situation transactions",
            "/why H-1",
            "/sql 1",
            "/sql 99",
            "/health",
            "/status",
            "why is it slow?",
            "/reprot",
        )
        said = desk.run("triage", typed=typed)
        assert len(stub.requests) > before
        still = blocker.execute(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND pid = pg_backend_pid()"
        )
        assert still.fetchone() == (1,), "the blocking session was left alone"
    assert "agentdb triage" in said and "Nothing is executed here." in said
    assert "there is no step 99" in said and "Did you mean /report?" in said
    assert "The facts show what the crew measured. [T-1]" in said
    reports = list((desk.root / "docs/database/reports").glob("incident-prod-*.md"))
    assert len(reports) == 1
    page = reports[0].read_text()
    assert page.startswith("# Incident on prod") and "why is it slow?" in page and "Nothing was run or changed" in page


def test_a_triage_without_a_target_says_which_variable_to_set(desk: Desk) -> None:
    desk.patch.delenv(VARIABLE)
    assert VARIABLE in desk.run("triage", "--no-model", code=2)
