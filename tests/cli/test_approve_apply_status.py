"""approve, apply and status as a person meets them: what is shown, what is asked, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.tools.ledger.approvals import create_local_key

CONFIG = '[targets.prod]\ndsn_env = "SHOP_URL"\nenvironment = "prod"\n'


class Shop:
    """A project, its target, and the command line on both."""

    def __init__(
        self, root: Path, database: Any, patch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]
    ) -> None:
        self.root, self.database, self.name = root, database, database.name
        self.patch, self.printed = patch, printed
        (root / "agentdb.toml").write_text(CONFIG)
        for folder in ("pending", "applied", "rollback", "archived"):
            (root / "migrations" / folder).mkdir(parents=True)
        create_local_key(root / ".agentdb", "ada@example.org")
        patch.chdir(root)

    def write(self, label: str, sql: str, down: str = "") -> Path:
        path = self.root / "migrations/pending" / f"{label}.sql"
        path.write_text(sql)
        if down:
            (self.root / "migrations/rollback" / f"{label}.sql").write_text(down)
        return path

    def run(self, *arguments: str, code: int = 0, url: str | None = None) -> str:
        """What a command prints, stdout and stderr; its exit code must be `code`."""
        self.patch.setenv("SHOP_URL", self.database.dsn.reveal() if url is None else url)
        self.printed.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = "".join(self.printed.readouterr())
        assert (ended.value.code or 0) == code, said
        return said


@pytest.fixture
def shop(tmp_path: Path, database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path, database, monkeypatch, capsys)


def test_from_approval_to_status_and_back(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n", "DROP TABLE customers;\n")
    assert "nobody has approved this plan" in shop.run("apply", code=4)
    shown = shop.run("approve", "--confirm", shop.name)
    for words in ("Apply on prod", f"target     {shop.name}", "001_customers", "first use", "| CREATE TABLE customers"):
        assert words in shown
    assert "Approved by ada@example.org" in shown and "Next: agentdb apply" in shown
    assert "nothing was changed" in shop.run("apply", "--dry-run")
    assert "applied" in shop.run("apply")
    told = json.loads(shop.run("status", "--format", "json"))
    assert told["schema_version"] == 1 and told["target"] == "prod"
    assert told["status"]["migrations"][0]["state"] == "applied"
    assert "1 applied" in shop.run("status")
    assert "nothing to do" in shop.run("apply", code=2)
    shown = shop.run("approve", "--rollback", "001", "--confirm", shop.name)
    assert "Take back on prod" in shown and "| DROP TABLE customers" in shown


def test_the_name_of_the_database_must_be_typed(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    assert "nobody is at this terminal" in shop.run("approve", code=2)
    assert "nothing was signed" in shop.run("approve", "--confirm", "yes", code=4)
    assert not (shop.root / ".agentdb/approvals").exists()


def test_a_no_is_signed_and_holds(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    assert "Rejected by ada@example.org" in shop.run("approve", "--reject", "--confirm", shop.name)
    assert "rejected this plan" in shop.run("apply", code=4)


def test_what_no_longer_holds_is_named_and_not_just_missing(shop: Shop) -> None:
    path = shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    shop.run("approve", "--confirm", shop.name)
    path.write_text("CREATE TABLE customers (id bigint);\n")
    assert "is not the one that was approved" in shop.run("apply", code=4)
    path.write_text("CREATE TABLE customers (id int);\n")
    with shop.database.connect() as conn:
        conn.execute("CREATE TABLE sneaked_in (id int)")
    assert "no longer what it was" in shop.run("apply", code=4)


def test_a_failed_statement_is_told_with_its_place_and_what_is_left(shop: Shop) -> None:
    shop.write("001_bad", "CREATE TABLE a (id int);\nSELECT 1/0;\n")
    shop.run("approve", "--confirm", shop.name)
    said = shop.run("apply", code=3)
    assert "001_bad.sql:2: statement 2 of 2 failed: 22012: division by zero" in said
    assert "Nothing of 001_bad is left" in said
    said = shop.run("status")
    assert "1 failed" in said and "mend the file" in said


def test_a_point_of_no_return_is_shown_before_it_is_signed(shop: Shop) -> None:
    shop.write("001_gone", "CREATE TABLE a (id int);\n")
    assert "Point of no return: 001_gone" in shop.run("approve", "--confirm", shop.name)


def test_an_approval_may_lie_anywhere(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    assert "--approval yes.json" in shop.run(
        "approve", "--confirm", shop.name, "--output", "yes.json", "--expires", "30m"
    )
    assert "applied" in shop.run("apply", "--approval", "yes.json")
    assert "used already" in shop.run("apply", "--approval", "yes.json", code=4)
    assert "no span of time" in shop.run("approve", "--expires", "soon", code=2)


def test_a_key_that_nobody_listed_signs_nothing(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    (shop.root / "agentdb.allowed_signers").write_text("eve@example.org ssh-ed25519 AAAA\n")  # a team's list goes first
    assert "does not list this key" in shop.run("approve", "--confirm", shop.name, code=2)
    assert "does not let this key sign" in shop.run(
        "approve", "--as", "ada@example.org", "--confirm", shop.name, code=4
    )
    assert not (shop.root / ".agentdb/approvals").exists()


def test_status_without_a_target_lists_the_files(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    said = shop.run("status", url="")
    assert "files only" in said and "001_customers" in said


def test_status_loads_no_model_library(shop: Shop) -> None:
    shop.write("001_customers", "CREATE TABLE customers (id int);\n")
    code = (
        "import sys; from agentdb.cli.app import app\n"
        "try: app(['status'])\n"
        "except SystemExit: pass\n"
        "heavy = {'langgraph', 'langchain', 'langchain_core', 'openai', 'langsmith'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "SHOP_URL": shop.database.dsn.reveal()}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shop.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 pending" in done.stdout


def test_names_from_files_cannot_draw_on_the_terminal(shop: Shop) -> None:
    shop.write("001_customers", "SELECT '\x1b[2J[bold red]ok';\n")
    said = shop.run("approve", "--confirm", shop.name)
    assert "\x1b" not in said and "[bold red]ok" in said
