"""The stampede, made on a real server: what ends each wait is an event, and waits are compared with each other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agentdb.errors import MigrationFileError, SandboxError
from agentdb.tools.ledger.execute import Limits
from agentdb.tools.ledger.scripts import read
from agentdb.tools.records import Migration
from agentdb.tools.rehearse.carry import Carried
from agentdb.tools.rehearse.rehearsal import Wishes, rehearse
from agentdb.tools.rehearse.report import plain as report_of
from agentdb.tools.rehearse.report import write
from agentdb.tools.rehearse.traffic import operations
from agentdb.tools.rehearse.trial import Look, Release, Trial, tried
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

SHOP = """CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, amount int, state text);
"""
ALTER = "ALTER TABLE orders ADD COLUMN note text"
TABLES = ("public.orders",)


@pytest.fixture(scope="module")
def shop(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create() as database:
        with database.connect() as connection:
            connection.execute(SHOP.encode())
            seed(connection, rows=30)
        yield database


def migration(sql: str, name: str = "note") -> Migration:
    return Migration("002", name, Path(f"002_{name}.sql"), sql, "0" * 64)


def one(server: SandboxServer, shop: SandboxDatabase, limits: Limits, release: Release, sql: str = ALTER) -> Trial:
    with shop.connect() as connection:
        made = operations(connection, TABLES)
    assert {o.kind for o in made} == {"SELECT", "INSERT", "UPDATE"}
    with server.clone(shop) as copy:
        return tried(
            copy, read(sql, where="x.sql"), made, TABLES, name="x", limits=limits, sessions=6, release=release, longest=30
        )  # fmt: skip


def test_readers_wait_behind_a_migration_that_waits_itself(server: SandboxServer, shop: SandboxDatabase) -> None:
    def crowded(at: float, looks: Sequence[Look], carried: Carried) -> bool:
        return sum(look.behind >= 5 for look in looks) >= 10  # six sessions, of which one may be unlucky

    found = one(server, shop, Limits(lock_timeout="0", lock_attempts=1), crowded)
    assert found.ok and found.attempts == 1 and found.stampede
    later = [look.at for look in found.looks if look.behind][1]  # by then what was seen first has waited for long
    assert max(found.reads.longest, found.writes.longest) >= found.hold - later, "until the reader let go"
    assert found.reads.longest > found.before.longest and not found.failures
    assert found.looks[-1].waiting == 0, "it is over when it is over"


def test_lock_timeout_bounds_every_wait_whatever_the_reader_does(server: SandboxServer, shop: SandboxDatabase) -> None:
    def tried_four_times(at: float, looks: Sequence[Look], carried: Carried) -> bool:
        return len(carried.attempts) >= 4

    found = one(server, shop, Limits(lock_timeout="20ms", lock_attempts=20, retry_seconds=0.4), tried_four_times)
    assert found.ok and found.attempts >= 4 and found.stampede
    # three waits of 20 ms, and pauses of at least 0.2, 0.4 and 0.8 s between them, in which everybody goes on
    assert found.hold >= 1.4
    assert found.reads.longest * 6 < found.hold
    assert any(look.queue for look in found.looks) and any(not look.queue and not look.waiting for look in found.looks)


def test_a_migration_that_never_gets_its_lock_gives_up(server: SandboxServer, shop: SandboxDatabase) -> None:
    def given_up(at: float, looks: Sequence[Look], carried: Carried) -> bool:
        return carried.ended > 0

    found = one(server, shop, Limits(lock_timeout="20ms", lock_attempts=2, retry_seconds=0.05), given_up)
    assert not found.ok and found.attempts == 2 and "lock timeout" in found.error
    assert found.looks[-1].waiting == 0


def test_a_rehearsal_recommends_and_reports(server: SandboxServer, shop: SandboxDatabase, tmp_path: Path) -> None:
    found = rehearse(server, shop, migration(ALTER), Wishes(hold=1.5, goal=0.5, sessions=6, rows=200))
    assert found.rows == {"public.orders": 200}
    assert found.tables == TABLES and found.plain is not None and found.plain.stampede
    assert found.advice is not None and found.recommended is not None and found.recommended.ok
    assert found.recommended.reads.longest < found.plain.reads.longest
    picture, page, data = write(found, tmp_path, "a test")
    assert picture.name == "rehearsal-002_note.svg" and 'class="line"' in picture.read_text()
    assert "synthetic" in page.read_text() and f"]({picture.name})" in page.read_text()
    told = json.loads(data.read_text())
    assert told["trials"][0]["stampede"] and max(n for _, n in told["trials"][0]["curve"]) == told["trials"][0]["peak"]
    assert str(tmp_path) not in data.read_text() + page.read_text()


def test_rows_are_made_to_fit_and_what_breaks_the_application_is_told(
    server: SandboxServer, shop: SandboxDatabase
) -> None:
    sql = "ALTER TABLE orders ALTER state SET NOT NULL; ALTER TABLE orders RENAME TO purchases"
    found = rehearse(server, shop, migration(sql), Wishes(hold=0.5, goal=30, sessions=4, rows=100))
    assert found.plain is not None and found.plain.ok
    assert any("42P01" in line for line in report_of(found, "x")["notes"]), "no such table any more"


def test_without_a_lock_on_what_was_there_nothing_is_tried(server: SandboxServer, shop: SandboxDatabase) -> None:
    found = rehearse(server, shop, migration("CREATE TABLE notes (id bigint PRIMARY KEY)"))
    assert found.trials == () and "nobody waits" in report_of(found, "x")["headline"]


def test_what_cannot_be_rehearsed_is_one_error(server: SandboxServer, shop: SandboxDatabase) -> None:
    with pytest.raises(SandboxError, match="does not run in the sandbox"):
        rehearse(server, shop, migration("ALTER TABLE nope ADD c int"))
    with pytest.raises(MigrationFileError, match="its own BEGIN"):
        rehearse(server, shop, migration("BEGIN; ALTER TABLE orders ADD c int; COMMIT"))


def test_an_interrupt_leaves_nothing(server: SandboxServer, tmp_path: Path) -> None:
    for folder in ("pending", "applied", "rollback", "archived"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "agentdb.toml").write_text('[project]\nname = "shop"\n')
    (tmp_path / "migrations/applied/001_shop.sql").write_text(SHOP)
    (tmp_path / "migrations/pending/002_note.sql").write_text(ALTER + ";\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "PG"))}
    environment |= {"AGENTDB_SANDBOX_DSN": server.dsn.reveal(), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "agentdb", "rehearse", "migrations/pending/002_note.sql", "--hold", "60s", "--rows", "20"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    mine = f"agentdb\\_sb\\_%\\_{process.pid}\\_%"
    try:
        deadline = time.monotonic() + 120
        while not server.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname LIKE %s AND wait_event_type = 'Lock' LIMIT 1", (mine,)
        ):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err and out == ""
    assert server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (mine,)) == []
    assert not (tmp_path / "docs").exists()
