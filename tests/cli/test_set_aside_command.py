"""From a copy that is too large to a column set aside, applied, taken back or purged: the whole way on the command line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdb.cli.app import main
from agentdb.errors import RefusedError
from agentdb.tools.ledger.approvals import create_local_key
from agentdb.tools.sandbox import places
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server, stop_embedded

pytestmark = pytest.mark.slow

Run = Any
FILE = "migrations/pending/002_note.sql"
BACK = Path("migrations/rollback/002_note.sql")
CAPTURE = Path("migrations/rollback/002_note.capture.sql")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[SandboxServer]:
    """The targets' server: a sandbox on a target's own server is refused."""
    home = places.default_home("tests-target")
    with sandbox_server(data_dir=home) as found:
        yield found
    with contextlib.suppress(RefusedError):  # another pytest still works with it
        stop_embedded(home)


@pytest.fixture
def database(elsewhere: SandboxServer) -> Iterator[SandboxDatabase]:
    with elsewhere.create() as made:
        yield made


@pytest.fixture
def run(
    server: SandboxServer,
    database: SandboxDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command line in a project whose target has 5000 notes: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("AGENTDB_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    monkeypatch.setenv("SHOP_DSN", database.dsn.reveal())
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("agentdb.toml").write_text(
        '[targets.prod]\ndsn_env = "SHOP_DSN"\n[sandbox]\nrows = 4\n[rollback]\nmax_copy = "100kB"\nkeep_days = 0\n'
    )
    Path(FILE).write_text("-- purpose: less\nALTER TABLE orders DROP COLUMN note;\n")
    create_local_key(Path(".agentdb"), "ada@example.org")
    with database.connect() as conn:
        conn.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
        conn.execute("INSERT INTO orders SELECT g, md5(g::text) FROM generate_series(1, 5000) AS g")
        conn.execute("ANALYZE orders")

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(list(arguments))
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def approved(run: Run, database: SandboxDatabase, *arguments: str) -> str:
    code, out, err = run("approve", *arguments, "--confirm", database.name)
    assert (code, err) == (0, ""), err
    return str(out)


def asked(database: SandboxDatabase, query: str) -> Any:
    with database.connect() as conn:
        return (conn.execute(query.encode()).fetchone() or (None,))[0]


def test_a_copy_above_the_limit_is_told_refused_and_avoided(run: Run, database: SandboxDatabase) -> None:
    code, out, err = run("rollback", "draft", FILE)
    assert (code, err) == (0, "")
    assert "public.orders (id, note): about 5,000 rows" in out and "rollback set-aside" in out
    code, out, _ = run("rollback", "cost", FILE)
    assert code == 1
    assert "lock   SHARE ROW EXCLUSIVE on public.orders until the migration commits: reads go on; writes wait" in out
    found = json.loads(run("rollback", "cost", FILE, "--format", "json")[1])
    assert (found["rows"], found["above_limit"], found["tables"][0]["columns"]) == (5000, True, ["id", "note"])
    assert found["seconds"][0] < found["seconds"][1] and found["assumptions"]

    approved(run, database)
    code, _, err = run("apply")
    assert (code, "002_note would copy up to" in err, "agentdb rollback set-aside" in err) == (4, True, True)

    code, out, err = run("rollback", "set-aside", FILE)
    assert (code, err) == (0, "")
    assert out.startswith("LOSSLESS") and "set aside  column public.orders.note -> " in out
    assert "Set aside" not in Path(FILE).read_text() and CAPTURE.exists()  # only shown
    assert run("rollback", "set-aside", FILE, "--write")[0] == 2  # there is another rollback
    assert run("rollback", "set-aside", FILE, "--write", "--force")[0] == 0
    assert "-- purpose: less\n-- Set aside, not dropped: ALTER TABLE orders DROP COLUMN note" in Path(FILE).read_text()
    assert not CAPTURE.exists()
    assert "-- Certificate: LOSSLESS" in BACK.read_text()
    code, out, _ = run("rollback", "check", FILE)
    assert (code, out.startswith("LOSSLESS")) == (0, True)

    approved(run, database)
    assert run("apply")[0] == 0
    assert (
        asked(database, "SELECT count(*) FROM pg_attribute WHERE attname = 'note' AND attrelid = 'orders'::regclass")
        == 0
    )
    approved(run, database, "--rollback", "002")
    code, out, err = run("rollback", "run", "002")
    assert (code, err) == (0, "")
    assert asked(database, "SELECT count(note) FROM orders") == 5000


def test_what_was_set_aside_is_listed_and_purged_on_its_own_approval(run: Run, database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute("DROP TABLE orders")
    Path("migrations/pending/001_orders.sql").write_text("CREATE TABLE orders (id int PRIMARY KEY, note text);\n")
    approved(run, database, "001")
    assert run("apply")[0] == 0
    assert run("rollback", "set-aside", FILE, "--write")[0] == 0
    assert "Nothing is kept" in run("rollback", "purge")[1]
    approved(run, database)
    assert run("apply")[0] == 0

    code, out, err = run("rollback", "purge")
    assert (code, err) == (0, "")
    assert "002_note" in out and "column public.orders.note" in out and "due" in out
    assert "Nothing was deleted" in out and "agentdb approve --purge 002" in out
    kept = json.loads(run("rollback", "purge", "--format", "json")[1])["kept"]
    assert [(k["kind"], k["due"]) for k in kept] == [("column", True)]

    assert run("rollback", "purge", "--run")[0] == 2  # what, has to be named
    code, _, err = run("rollback", "purge", "--migration", "2", "--run")
    assert (code, "nobody has approved this" in err) == (4, True)
    assert run("approve", "--purge", "--confirm", database.name)[0] == 2
    out = approved(run, database, "--purge", "002")
    assert "Point of no return" in out
    assert "Next: agentdb rollback purge --migration 002_note --run" in out
    assert run("rollback", "purge", "--migration", "2", "--older-than", "1d", "--run")[0] == 2  # it is not that old
    code, out, _ = run("rollback", "purge", "--migration", "2", "--run", "--dry-run")
    assert (code, "would be deleted" in out) == (0, True)
    code, out, err = run("rollback", "purge", "--migration", "2", "--run")
    assert (code, err) == (0, "") and "deleted  public.orders.agentdb_dropped_note_" in out
    assert asked(database, "SELECT count(*) FROM pg_attribute WHERE attname ~ 'agentdb_dropped'") == 0

    code, out, err = run("drift")
    assert (code, err) == (0, ""), out  # the files still make the column, and the ledger knows that it went

    code, _, err = run("approve", "--rollback", "002", "--confirm", database.name)
    assert (code, "were purged on" in err, "no longer holds" in err) == (4, True, True)


def test_what_cannot_be_set_aside_is_said(run: Run) -> None:
    Path(FILE).write_text("DELETE FROM orders;\n")
    code, _, err = run("rollback", "set-aside", FILE)
    assert (code, "nothing in this migration drops a table or a column" in err) == (3, True)
    code, out, _ = run("rollback", "cost", "migrations/pending/002_note.sql")
    assert code == 1 and "public.orders" in out  # drafted for the purpose
    Path(FILE).write_text("CREATE TABLE more (id int);\n")
    code, out, _ = run("rollback", "cost", FILE)
    assert (code, "copies nothing" in out) == (0, True)


def test_constraints_come_back_through_the_ledger_once_the_rows_fit(run: Run, database: SandboxDatabase) -> None:
    """A script without a transaction: it stops whole before its first change, and is carried out when rows fit."""
    with database.connect() as conn:
        conn.execute("ALTER TABLE orders ALTER COLUMN note SET NOT NULL, ADD CHECK (id > 0 AND note <> '')")
    assert run("rollback", "set-aside", FILE, "--write")[0] == 0
    assert BACK.read_text().startswith("-- agentdb: no-transaction\n")
    approved(run, database)
    assert run("apply")[0] == 0
    with database.connect() as conn:
        conn.execute("INSERT INTO orders (id) VALUES (5001)")  # an application that knows nothing of the column
    approved(run, database, "--rollback", "002")
    code, _, err = run("rollback", "run", "002")
    assert (code, "1 of public.orders without a value of note" in err) == (3, True), err
    assert asked(database, "SELECT count(*) FROM pg_attribute WHERE attname ~ '^agentdb_dropped_note'") == 1
    assert "interrupted" not in run("status")[1]

    name = asked(database, "SELECT attname FROM pg_attribute WHERE attname ~ '^agentdb_dropped_note'")
    with database.connect() as conn:
        conn.execute(f"UPDATE orders SET {name} = 'late' WHERE {name} IS NULL".encode())
    approved(run, database, "--rollback", "002")
    code, out, err = run("rollback", "run", "002")
    assert (code, err) == (0, ""), err
    assert "Verified" in out
    assert asked(database, "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = 'orders'::regclass")
    assert asked(
        database, "SELECT attnotnull FROM pg_attribute WHERE attname = 'note' AND attrelid = 'orders'::regclass"
    )
