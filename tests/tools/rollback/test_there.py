"""A rollback whose copies are gone stops before it changes anything, and says why."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.rehearse import rehearse
from agentdb.tools.rollback.there import only_looks
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

UPS = {
    "a dropped column": "ALTER TABLE people DROP COLUMN name;",
    "a dropped table": "DROP TABLE people;",
    "changed rows": "UPDATE people SET name = upper(name);",
}


@pytest.mark.parametrize("case", UPS)
def test_without_its_copies_a_rollback_stops_at_once(
    server: SandboxServer, database: SandboxDatabase, case: str
) -> None:
    with database.connect() as conn:
        conn.execute(
            "CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'a'), (2, 'b')"
        )
    migration = Migration("007", "less", Path("007_less.sql"), UPS[case], checksum(UPS[case]))
    made = rehearse(server, database, migration)
    assert made.certificate.klass.value == "LOSSLESS", made.certificate.line
    with database.connect() as conn:
        with conn.transaction():
            conn.execute(made.capture_text.encode())
            conn.execute(migration.sql.encode())
        conn.execute("DROP TABLE agentdb_archive.m007_people")
        with pytest.raises(psycopg.errors.RaiseException, match="what 007_less kept is not in agentdb_archive"):
            conn.execute(made.text.split("END $there$;")[0].encode() + b"END $there$;")  # already its first statement
    first = made.text[made.text.index("DO $there$") :].partition(";\n\n")[0]
    assert only_looks(first)
    assert not only_looks(first.replace("RAISE", "DELETE FROM people; RAISE"))
    assert not only_looks(first.replace("IS NULL", "IS NULL OR drop_all() IS NULL", 1))
