"""The documentation says what the schema is, and knows which of its parts no longer do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agentdb.errors import UsageError
from agentdb.tools.docs.outline import ENVIRONMENT, LEFT_OUT, Outline
from agentdb.tools.docs.page import read
from agentdb.tools.docs.write import pages_of, stale, write_docs
from agentdb.tools.records import Migration
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.store import from_json, to_json

from .conftest import Changed


def migration(version: str, sql: str = "SELECT 1") -> Migration:
    return Migration(version, f"m{version}", Path(f"{version}_m{version}.sql"), sql, "0" * 64)


def texts(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in files}


def test_written_documentation_is_fresh(schema: Snapshot, tmp_path: Path) -> None:
    written = write_docs(schema, tmp_path)
    assert set(written) == {tmp_path / name for name in texts(tmp_path)}
    assert stale(schema, tmp_path) == ()


def test_same_schema_gives_the_same_bytes_and_touches_no_file_twice(schema: Snapshot, tmp_path: Path) -> None:
    write_docs(schema, tmp_path / "a")
    again = from_json(to_json(schema))
    write_docs(
        Snapshot(again.engine, again.server_version, again.format, dict(reversed(list(again.objects.items())))),
        tmp_path / "b",
    )
    assert texts(tmp_path / "a") == texts(tmp_path / "b")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*") if p.is_file()}
    write_docs(schema, tmp_path / "a")
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*") if p.is_file()}


ERD = ["schema/erd.html", "schema/erd.md: part.billing.invoices", "schema/erd.mmd", "schema/erd.svg"]

# What one change makes stale, and nothing else.
CHANGES = {
    "COMMENT ON TABLE orders IS 'x'": [
        "schema/README.md: tables",
        "schema/data_dictionary.md: public.orders",
        *ERD,
        "schema/tables/public.orders.md: table",
    ],
    "COMMENT ON COLUMN orders.total IS 'x'": [
        "schema/data_dictionary.md: public.orders",
        *ERD,
        "schema/tables/public.orders.md: columns",
    ],
    "ALTER TABLE orders ALTER total SET DEFAULT 1": [
        "schema/data_dictionary.md: public.orders",
        "schema/tables/public.orders.md: columns",
    ],
    "ALTER TABLE orders ADD note text": [
        "schema/data_dictionary.md: public.orders",
        *ERD,
        "schema/tables/public.orders.md: columns",
    ],
    "ALTER TABLE orders DROP CONSTRAINT positive": ["schema/tables/public.orders.md: constraints"],
    "ALTER TABLE orders ADD CHECK (total < 9)": ["schema/tables/public.orders.md: constraints"],
    "CREATE INDEX i ON orders (total)": ["schema/tables/public.orders.md: indexes"],
    "COMMENT ON INDEX orders_user IS 'x'": ["schema/tables/public.orders.md: indexes"],
    "ALTER TABLE orders DISABLE TRIGGER orders_touch": ["schema/tables/public.orders.md: triggers"],
    "ALTER POLICY own ON orders USING (true)": ["schema/tables/public.orders.md: policies"],
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY": ["schema/tables/public.orders.md: table"],
    "ALTER TABLE alone DISABLE RULE quiet": ["schema/tables/public.alone.md: rules"],
    "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES billing.invoices (order_id)": [
        "schema/data_dictionary.md: public.items",
        *ERD,
        "schema/tables/billing.invoices.md: referenced-by",
        "schema/tables/public.items.md: columns",
        "schema/tables/public.items.md: keys",
    ],
    "ALTER TABLE log_2026 ADD CHECK (id > 0)": ["schema/tables/public.log.md: partitions"],
    "CREATE OR REPLACE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 200": [
        "schema/views.md: view.public.big_orders"
    ],
    "COMMENT ON COLUMN sums.total IS 'x'": ["schema/views.md: materialized_view.public.sums"],
    "CREATE OR REPLACE PROCEDURE tidy(days int) LANGUAGE sql AS 'SELECT 2'": [
        "schema/routines.md: procedure-public-tidy-integer-*"
    ],
    "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'": ["schema/types.md: enum.public.mood"],
    "ALTER DOMAIN email SET DEFAULT 'a@b'": ["schema/types.md: domain.public.email"],
    "ALTER DOMAIN email DROP CONSTRAINT email_check": ["schema/types.md: domain.public.email"],
    "ALTER SEQUENCE tickets INCREMENT 5": ["schema/sequences.md: sequence.public.tickets"],
    "COMMENT ON SCHEMA billing IS 'x'": ["schema/schemas.md: schema.billing"],
    "ALTER STATISTICS orders_stats SET STATISTICS 50": ["schema/others.md: statistics.public.orders_stats"],
    "ALTER PUBLICATION feed ADD TABLE alone": ["schema/others.md: publication.feed"],
    # of the environment, not of the schema
    "GRANT SELECT ON orders TO PUBLIC": [],
    "REFRESH MATERIALIZED VIEW sums": [],
}


@pytest.fixture(scope="module")
def written(schema: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    write_docs(schema, folder)
    return folder


@pytest.mark.parametrize("sql", CHANGES)
def test_one_change_makes_exactly_its_sections_stale(sql: str, changed: Changed, written: Path) -> None:
    from fnmatch import fnmatch

    found = [s.rpartition(" (")[0] for s in stale(changed(sql), written)]
    assert len(found) == len(CHANGES[sql]) and all(map(fnmatch, found, sorted(CHANGES[sql]))), found


# Which object another belongs to: a change of it moves things from page to page.
NAMES = {"partition_of", "references", "type"}


def test_every_documented_property_of_every_object_counts(schema: Snapshot, written: Path) -> None:
    """No object can change without a section going stale; and no text changes in a section that stays fresh."""
    before = {(p.path, s.name): s for p in pages_of(Outline(schema)) for s in p.sections}
    for found in schema:
        texts_of = {k: v for k, v in found.properties.items() if isinstance(v, str)} | {"comment": "something else"}
        for key, value in texts_of.items():
            if (
                found.id.kind in LEFT_OUT
                or key in ENVIRONMENT
                or key in NAMES
                or (found.id.kind, key) == ("extension", "version")
            ):
                continue
            properties = (
                {**found.properties, key: f"{value} "} if key != "comment" else {**found.properties, key: value}
            )
            other = {**schema.objects, found.id: dataclasses.replace(found, properties=properties)}
            mutated = dataclasses.replace(schema, objects=other)
            after = {(p.path, s.name): s for p in pages_of(Outline(mutated)) for s in p.sections}
            both = after.keys() & before.keys()
            by_facts = {k for k in both if after[k].facts != before[k].facts} | (after.keys() ^ before.keys())
            by_text = {k for k in both if after[k].body != before[k].body}
            assert by_facts and by_text <= by_facts, (found.id, key)


def test_owner_and_grants_are_not_told(schema: Snapshot, written: Path) -> None:
    other = {
        k: dataclasses.replace(o, properties={**o.properties, "owner": "somebody", "grants": ["ALL TO somebody"]})
        for k, o in schema.objects.items()
    }
    assert {"owner", "grants"} <= ENVIRONMENT
    assert stale(dataclasses.replace(schema, objects=other), written) == ()


def test_dropped_table_leaves_its_page_as_gone(changed: Changed, written: Path) -> None:
    assert "schema/tables/public.alone.md (gone)" in stale(changed("DROP TABLE alone"), written)


def test_hand_edit_of_generated_text_is_found(schema: Snapshot, tmp_path: Path) -> None:
    write_docs(schema, tmp_path)
    page = tmp_path / "schema/tables/public.users.md"
    page.write_text(page.read_text().replace("Lower case", "Upper case"))
    assert stale(schema, tmp_path) == ("schema/tables/public.users.md: columns (edited)",)


def test_line_ends_of_another_system_are_no_edit(schema: Snapshot, tmp_path: Path) -> None:
    for path in write_docs(schema, tmp_path):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert stale(schema, tmp_path) == ()


def test_missing_file_is_found(schema: Snapshot, tmp_path: Path) -> None:
    write_docs(schema, tmp_path)
    (tmp_path / "schema/erd.svg").unlink()
    (tmp_path / "schema/tables/public.users.md").unlink()
    assert stale(schema, tmp_path) == ("schema/erd.svg (missing)", "schema/tables/public.users.md (missing)")


def test_notes_are_kept_and_never_make_anything_stale(schema: Snapshot, changed: Changed, tmp_path: Path) -> None:
    write_docs(schema, tmp_path)
    page = tmp_path / "schema/tables/public.users.md"
    note = "Ask *Kim* before you touch this.\n\n| a |\n| - |\n\n<!-- mine -->\n"
    page.write_text(page.read_text().replace("<!-- notes:table -->\n", f"<!-- notes:table -->\n{note}"))
    assert stale(schema, tmp_path) == ()
    write_docs(changed("ALTER TABLE users ADD name text"), tmp_path)
    assert note in page.read_text()
    assert "| name |" in page.read_text()


def test_page_with_notes_outlives_its_table(schema: Snapshot, changed: Changed, tmp_path: Path) -> None:
    write_docs(schema, tmp_path)
    page, other = (tmp_path / f"schema/tables/public.{name}.md" for name in ("alone", "items"))
    page.write_text(page.read_text().replace("<!-- notes:table -->\n", "<!-- notes:table -->\nRemember.\n"))
    without = changed("DROP TABLE alone; DROP TABLE items")
    write_docs(without, tmp_path)
    assert "Remember." in page.read_text() and "Columns" not in page.read_text()
    assert not other.exists()
    assert stale(without, tmp_path) == ()
    write_docs(schema, tmp_path)
    assert "Remember." in page.read_text() and "Columns" in page.read_text()


def test_note_on_a_dropped_view_stays_on_its_page(schema: Snapshot, changed: Changed, tmp_path: Path) -> None:
    write_docs(schema, tmp_path)
    page = tmp_path / "schema/views.md"
    mark = "<!-- notes:view.public.big_orders -->\n"
    page.write_text(page.read_text().replace(mark, f"{mark}Remember.\n"))
    without = changed("DROP VIEW big_orders")
    write_docs(without, tmp_path)
    write_docs(without, tmp_path)
    assert page.read_text().count("Remember.") == 1
    assert stale(without, tmp_path) == ()


@pytest.mark.parametrize("name", ["README.md", "erd.html", "CHANGELOG.md"])
def test_foreign_file_in_the_way_is_refused_and_nothing_written(schema: Snapshot, tmp_path: Path, name: str) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / name).write_text("# Mine\n")
    with pytest.raises(UsageError, match="did not write"):
        write_docs(schema, tmp_path)
    assert texts(tmp_path) == {f"schema/{name}": "# Mine\n"}


def test_snapshot_is_stored_under_the_highest_number(schema: Snapshot, tmp_path: Path) -> None:
    write_docs(schema, tmp_path, migrations=[migration("002"), migration("010"), migration("009")])
    assert from_json((tmp_path / "snapshots/010.json").read_text()) == schema


def test_changelog_compares_with_the_stored_snapshot(schema: Snapshot, changed: Changed, tmp_path: Path) -> None:
    one, two = migration("001"), migration("002", "ALTER TABLE users RENAME COLUMN mail TO email")
    write_docs(schema, tmp_path, migrations=[one])
    write_docs(changed(two.sql), tmp_path, migrations=[one, two])
    log = (tmp_path / "schema/CHANGELOG.md").read_text()
    assert "## 002_m002" in log and "mail" in log and "email" in log
    assert list(read(log).sections) == ["002_m002"]


def test_history_of_a_replay_is_kept_when_none_is_given(schema: Snapshot, tmp_path: Path) -> None:
    one = migration("001")
    write_docs(schema, tmp_path, migrations=[one], history=[(one, schema)])
    before = texts(tmp_path)
    assert "Created by" in before["schema/tables/public.orders.md"]
    write_docs(schema, tmp_path, migrations=[one])
    assert texts(tmp_path) == before
    assert stale(schema, tmp_path) == ()


def test_history_that_begins_in_the_middle_tells_only_its_migrations(
    schema: Snapshot, changed: Changed, tmp_path: Path
) -> None:
    one, two = migration("001"), migration("002", "ALTER TABLE alone ADD y int")
    write_docs(schema, tmp_path, migrations=[one], history=[(one, schema)])
    after = changed(two.sql)
    write_docs(after, tmp_path, migrations=[one, two], previous=schema, history=[(two, after)])
    log = read((tmp_path / "schema/CHANGELOG.md").read_text())
    assert list(log.sections) == ["002_m002", "001_m001"]
    assert "alone.y" in log.sections["002_m002"].body
    assert "| x | column | `001_m001` |" in (tmp_path / "schema/tables/public.alone.md").read_text()


def test_links_lead_to_files_that_are_there(schema: Snapshot, written: Path) -> None:
    import re

    for path in written.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            assert (path.parent / target).is_file(), f"{path.name} -> {target}"


def test_empty_database_has_documentation_too(tmp_path: Path) -> None:
    empty = Snapshot("postgres", 180000, 1)
    write_docs(empty, tmp_path)
    assert "There are no tables" in (tmp_path / "schema/README.md").read_text()
    assert stale(empty, tmp_path) == ()
