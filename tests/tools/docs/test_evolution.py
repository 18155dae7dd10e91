"""Which migration made what: measured by running them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.docs.evolution import Blame, Step, blame, changelog_page, steps
from agentdb.tools.docs.page import rendered
from agentdb.tools.docs.write import write_docs
from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.model import ObjectId, Snapshot
from agentdb.tools.schema.snapshot import read_snapshot

FILES = {
    "001_users": "CREATE TABLE users (id int PRIMARY KEY, mail text, old text);",
    "002_orders": "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, total int);",
    "003_rename": "ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME COLUMN mail TO email;",
    "004_total": "ALTER TABLE orders ALTER total TYPE bigint; CREATE INDEX orders_user ON orders (user_id);",
    "005_data": "-- purpose: Give every <order> a total | @all\nUPDATE orders SET total = 0;",
    "006_drop": "ALTER TABLE people DROP COLUMN old;",
    "007_again": "ALTER TABLE people ADD COLUMN old text NOT NULL DEFAULT '';",
    "008_grant": "GRANT SELECT ON orders TO PUBLIC;",
}

History = list[tuple[Migration, Snapshot]]


@pytest.fixture(scope="module")
def history(server: SandboxServer) -> Iterator[History]:
    found = []
    with server.create() as made, made.connect() as connection:
        for label, sql in FILES.items():
            connection.execute(sql.encode())
            version, _, name = label.partition("_")
            headers = {"purpose": (sql.splitlines()[0].removeprefix("-- purpose: "),)} if sql.startswith("--") else {}
            migration = Migration(version, name, Path(f"{label}.sql"), sql, checksum(sql), headers)
            found.append((migration, read_snapshot(connection)))
    yield found


@pytest.fixture(scope="module")
def taken(history: History) -> tuple[Step, ...]:
    return steps(history)


def column(table: str, name: str) -> ObjectId:
    return ObjectId("column", "public", table, name)


def test_each_object_knows_who_made_and_last_changed_it(taken: tuple[Step, ...]) -> None:
    known = blame(taken)
    assert known[ObjectId("table", "public", "", "orders")] == Blame("002_orders")
    assert known[column("orders", "total")] == Blame("002_orders", ("004_total",))
    assert known[ObjectId("index", "public", "orders", "orders_user")] == Blame("004_total")


def test_rename_keeps_the_past_of_a_table_and_of_all_its_parts(taken: tuple[Step, ...]) -> None:
    known = blame(taken)
    assert known[ObjectId("table", "public", "", "people")] == Blame("001_users", ("003_rename",))
    assert known[column("people", "email")] == Blame("001_users", ("003_rename",))
    assert known[column("people", "id")] == Blame("001_users")
    assert not [i for i in known if "users" in (i.parent, i.name)]


def test_column_that_was_dropped_and_came_back_is_new(taken: tuple[Step, ...]) -> None:
    assert blame(taken)[column("people", "old")] == Blame("007_again")


def test_blame_names_everything_that_is_there(taken: tuple[Step, ...], history: History) -> None:
    assert set(blame(taken)) == set(history[-1][1].objects)


def test_schema_from_before_the_first_migration_has_no_maker(history: History) -> None:
    start = history[0][1]
    known = blame(steps(history[1:], start), start)
    assert known[ObjectId("table", "public", "", "people")] == Blame("", ("003_rename",))


def test_grants_are_no_change_of_the_schema(taken: tuple[Step, ...]) -> None:
    assert [s.lines for s in taken if s.migration.version in ("005", "008")] == [[], []]


def test_changelog_tells_the_newest_first_and_data_migrations_too(taken: tuple[Step, ...]) -> None:
    text = rendered(changelog_page(taken))
    places = [text.index(f"## {label}") for label in reversed(FILES)]
    assert places == sorted(places)
    assert "Give every &lt;order&gt; a total \\|" in text and "@all" not in text
    assert "stays as it is" in text


def test_pages_tell_the_history_of_their_table(history: History, tmp_path: Path) -> None:
    migrations = [m for m, _ in history]
    write_docs(history[-1][1], tmp_path, migrations=migrations, history=history)
    page = (tmp_path / "schema/tables/public.orders.md").read_text()
    assert "| total | column | `002_orders` | `004_total` |" in page
    assert (tmp_path / "snapshots/008.json").is_file()
