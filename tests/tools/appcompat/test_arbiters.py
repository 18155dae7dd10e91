"""INSERT ... ON CONFLICT without its unique index: prepared by every schema, refused when it runs."""

from __future__ import annotations

from agentdb.tools.appcompat.findings import findings
from agentdb.tools.appcompat.model import Change, Corpus, Query
from agentdb.tools.appcompat.rollout import Script, look
from agentdb.tools.sandbox.databases import SandboxDatabase

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, note text);
CREATE UNIQUE INDEX customers_email_key ON customers (email);
"""
UPSERT = "INSERT INTO customers (id, email) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE SET note = $2"
LOST = "there is no unique or exclusion constraint matching the ON CONFLICT specification"


def broken(database: SandboxDatabase, query: str, *migrations: str) -> list[Change]:
    with database.connect() as conn:
        conn.execute(SCHEMA.encode())
    scripts = [Script(f"{n:03}.sql", sql, f"{n:03}") for n, sql in enumerate(migrations, 1)]
    found = look(database, scripts, Corpus((Query(query, "q.sql:1"),)))
    assert not found.broken_off
    [said] = [findings(found)[0]] if found.changes else [()]
    assert {f.rule for f in said} <= {"breaking-query"}
    return [c for c in found.changes if c.rule == "breaking-query"]


def test_an_upsert_whose_unique_index_goes_is_a_query_that_fails(database: SandboxDatabase) -> None:
    [change] = broken(database, UPSERT, "ALTER TABLE customers ADD x int;\nDROP INDEX customers_email_key;")
    assert (change.what, change.sqlstate, change.moment.label, change.line) == (LOST, "42P10", "001", 2)
    assert change.proven and not change.until
    with database.connect() as conn:
        assert conn.execute(b"SELECT count(*) FROM customers").fetchone() == (0,), "nothing was run"


def test_it_is_well_again_once_another_index_takes_its_place(database: SandboxDatabase) -> None:
    [change] = broken(
        database, UPSERT, "DROP INDEX customers_email_key", "CREATE UNIQUE INDEX again ON customers (email)"
    )
    assert (change.moment.label, change.until) == ("001", "002")


def test_an_index_replaced_in_one_transaction_is_never_missed(database: SandboxDatabase) -> None:
    assert broken(database, UPSERT, "CREATE UNIQUE INDEX i ON customers (email); DROP INDEX customers_email_key") == []


def test_an_upsert_that_never_worked_or_names_no_columns_is_left_alone(database: SandboxDatabase) -> None:
    for query in (
        "INSERT INTO customers (id, email) VALUES (1, 'a') ON CONFLICT (note) DO NOTHING",
        "INSERT INTO customers (id, email) VALUES (1, 'a') ON CONFLICT DO NOTHING",
    ):
        with database.connect() as conn:
            conn.execute(b"DROP TABLE IF EXISTS customers")
        assert broken(database, query, "DROP INDEX customers_email_key") == []
