"""The ledger's own schema: installed by agentdb, by agentdb's own rules."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from agentdb.errors import DatabaseError
from agentdb.tools.ledger import history, prints, scripts
from agentdb.tools.schema.snapshot import read_snapshot


@pytest.fixture
def conn(database: Any) -> Any:
    with database.connect() as made:
        yield made


def everything(conn: Any) -> str:
    return prints.of(read_snapshot(conn, ignore_schemas=())).fingerprint


def test_there_is_no_history_without_a_ledger(conn: Any) -> None:
    assert history.rows(conn) == () and not history.is_installed(conn)
    assert [m.version for m in history.missing(conn)] == ["001", "002", "003", "004"]


def test_it_is_installed_once_and_does_not_count_as_the_targets_schema(conn: Any) -> None:
    before = prints.measure(conn)
    assert history.install(conn) == ("001", "002", "003", "004")
    assert history.install(conn) == ()
    assert history.rows(conn) == () and history.is_installed(conn)
    assert prints.measure(conn) == before


def test_its_own_migrations_go_back_as_they_came(conn: Any) -> None:
    from importlib import resources

    from agentdb import migrations

    before = everything(conn)
    history.install(conn)
    first = everything(conn)
    for migration in reversed(history.shipped()):
        down = resources.files(migrations) / "rollback" / f"{migration.version}_{migration.name}.sql"
        conn.execute(down.read_text(encoding="utf-8"))
    assert everything(conn) == before
    history.install(conn)
    assert everything(conn) == first


def test_a_ledger_of_a_newer_agentdb_is_left_alone(conn: Any) -> None:
    history.install(conn)
    conn.execute("INSERT INTO agentdb.installed VALUES ('999', 'future', 'x', now())")
    with pytest.raises(DatabaseError, match="does not know"):
        history.missing(conn)


def test_a_login_without_rights_gets_one_clear_line(conn: Any) -> None:
    history.install(conn)
    conn.execute("SET ROLE pg_monitor")
    with pytest.raises(DatabaseError, match="may not read schema agentdb") as caught:
        history.rows(conn)
    assert "GRANT USAGE" in caught.value.hint


def test_the_server_itself_keeps_two_attempts_of_one_migration_apart(conn: Any) -> None:
    history.install(conn)
    insert = (
        "INSERT INTO agentdb.history (kind, number, version, name, checksum, checksum_version, status, dirty,"
        " transactional, statement_count, who, plan_sha256, environment, system_identifier, database,"
        " fingerprint_before, shape_before, sql, agentdb_version)"
        " VALUES ('apply', 1, '001', 'a', '', 1, %s, %s, true, 1, '', '', '', '', '', '', '', '', '')"
    )
    for status, dirty in (("failed", False), ("rolled_back", False), ("failed", False), ("applied", False)):
        conn.execute(insert, (status, dirty))
    for status, dirty in (("running", False), ("applied", False), ("failed", True)):
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute(insert, (status, dirty))


@pytest.mark.parametrize("part", [m.version for m in history.shipped()])
def test_every_part_is_a_script_that_runs_in_one_transaction(part: str) -> None:
    from agentdb.tools.sql.parse import parse

    migration = next(m for m in history.shipped() if m.version == part)
    found = parse(migration.sql)
    assert found.problem is None and all(p.statement.transactional for p in found.statements)
    with pytest.raises(Exception, match="only agentdb itself may change"):
        scripts.read(migration.sql, where="x")
