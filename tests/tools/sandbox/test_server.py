import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentdb.errors import RefusedError, SandboxError
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.sandbox.databases import NAME, SandboxDatabase, setting
from agentdb.tools.sandbox.server import SandboxServer, addresses, refuse_targets, sandbox_server


def names(server: SandboxServer) -> set[object]:
    return {name for (name,) in server.execute("SELECT datname FROM pg_database")}


def test_a_database_is_empty_and_gone_afterwards(server: SandboxServer) -> None:
    with server.create() as database:
        assert database.name in names(server)
        with database.connect() as connection:
            assert connection.execute(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            ).fetchone() == (0,)
    assert database.name not in names(server)


def test_a_clone_has_rows_and_database_settings(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
        connection.execute(f"ALTER DATABASE {database.name} SET timezone TO 'America/New_York'")
        connection.execute(f'ALTER DATABASE {database.name} SET search_path TO public, "Odd Name"')
    with server.clone(database) as copy, copy.connect() as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (7,)
        assert connection.execute("SHOW timezone").fetchone() == ("America/New_York",)
        assert connection.execute("SHOW search_path").fetchone() == ('public, "Odd Name"',)


def test_a_database_in_use_is_not_cloned_and_the_error_names_the_session(
    server: SandboxServer, database: SandboxDatabase
) -> None:
    with database.connect(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("agentdb.tools.sandbox.databases.ALONE_SECONDS", 0.05)
        with pytest.raises(SandboxError, match="agentdb sandbox"):
            server.clone(database)


def test_a_database_is_dropped_under_an_open_session(server: SandboxServer) -> None:
    database = server.create()
    with database.connect():
        database.drop()
        assert database.name not in names(server)
    database.drop()


def test_only_what_was_made_here_is_dropped(server: SandboxServer) -> None:
    with pytest.raises(SandboxError, match="not made by this sandbox"):
        SandboxDatabase(server._administration, "postgres").drop()


def test_a_kept_database_stays_and_is_not_swept(server: SandboxServer, database: SandboxDatabase) -> None:
    with server.create() as kept:
        kept.keep()
    assert kept.name in names(server)
    server.sweep()
    assert kept.name in names(server)
    server.execute(f"DROP DATABASE {kept.name}")


def test_the_sweep_takes_dead_processes_databases_of_this_machine_only(
    server: SandboxServer, database: SandboxDatabase
) -> None:
    found = NAME.fullmatch(database.name)
    assert found
    here, mine = found[1], found[2]
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    elsewhere = f"agentdb_sb_ffffff_{dead.pid}_1_1x{os.getpid()}"
    ours = {f"agentdb_sb_{here}_{dead.pid}_1_1x{os.getpid()}", f"agentdb_sb_{here}_{mine}_1_1x{os.getpid()}"}
    for name in (elsewhere, *ours):
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    server.sweep()
    left = names(server)
    server.execute(f"DROP DATABASE {elsewhere}")
    assert elsewhere in left and database.name in left
    assert not ours & left, "also that of an earlier process with our number"


def test_the_server_of_a_target_is_refused(server: SandboxServer, database: SandboxDatabase) -> None:
    forbidden = [Dsn("postgresql://localhost:1/x"), database.dsn]
    with pytest.raises(RefusedError) as refused, sandbox_server(server_dsn=server.dsn, forbidden=forbidden):
        pass
    assert refused.value.reason == "sandbox-is-target"


def test_the_same_server_by_another_way_in_is_known_by_its_identifier(server: SandboxServer, tmp_path: Path) -> None:
    folder = Path(server.dsn.parts()["host"])
    if not folder.is_absolute():
        pytest.skip("needs a server with a local socket")
    try:
        os.link(folder / ".s.PGSQL.5432", tmp_path / ".s.PGSQL.5432")
    except OSError:
        pytest.skip("sockets cannot be linked here")
    target = Dsn(f"host={tmp_path} user=postgres dbname=postgres")
    assert not addresses(target) & addresses(server.dsn)
    with pytest.raises(RefusedError):
        refuse_targets(server.dsn, [target])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://localhost/a", "postgresql://127.0.0.1:5432/b", True),
        ("postgresql://localhost/a", "postgresql://[::1]/b", True),
        ("postgresql://localhost/a", "postgresql://127.9.9.9/b", True),
        ("postgresql://localhost/a", "postgresql://localhost:5433/a", False),
        ("host=a.invalid,b.invalid port=1,2", "host=b.invalid port=2", True),
        ("host=a.invalid,b.invalid port=1,2", "host=b.invalid port=1", False),
        ("dbname=a", "host=/tmp dbname=b", True),
    ],
)
def test_two_connection_strings_lead_to_one_server(one: str, other: str, same: bool) -> None:
    assert bool(addresses(Dsn(one)) & addresses(Dsn(other))) is same


def test_a_user_server_works_like_the_embedded_one(server: SandboxServer) -> None:
    with sandbox_server(server_dsn=server.dsn) as own:
        assert not own.embedded
        with own.create() as database, database.connect() as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (database.name,)


def test_a_login_that_may_not_make_databases_is_told_so(server: SandboxServer) -> None:
    server.execute("CREATE ROLE agentdb_test_weak LOGIN")
    try:
        from psycopg.conninfo import make_conninfo

        weak = Dsn(make_conninfo(server.dsn.reveal(), user="agentdb_test_weak"))
        with pytest.raises(SandboxError, match="may not make databases"), sandbox_server(server_dsn=weak):
            pass
    finally:
        server.execute("DROP ROLE agentdb_test_weak")


def test_settings_lists_stay_lists() -> None:
    assert setting("search_path", 'public, "A b"') == ("search_path", 'public, "A b"')
    assert setting("timezone", "O'Clock") == ("timezone", "'O''Clock'")
