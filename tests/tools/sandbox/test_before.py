"""A target's schema goes into the sandbox whole, and the target is not touched."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from agentdb.errors import DatabaseError, SandboxError
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.records import Migration
from agentdb.tools.sandbox import before, dump, software
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server

AWKWARD = """
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('calm', 'glad');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, mood mood DEFAULT 'calm');
CREATE TABLE "Odd Schema"."Order Lines" (
    id serial PRIMARY KEY, customer bigint NOT NULL, amount positive, total int GENERATED ALWAYS AS (amount * 2) STORED,
    CONSTRAINT fk FOREIGN KEY (customer) REFERENCES customers DEFERRABLE, CONSTRAINT big CHECK (amount < 1000) NOT VALID
);
CREATE INDEX lower_email ON customers (lower(email)) WHERE mood = 'glad';
CREATE TABLE visits (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW loud AS SELECT upper(email) AS email FROM customers;
CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM customers;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.mood := 'glad'; /*
\\restrict in a body stays
*/ RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customers FOR SELECT USING (email = current_user);
CREATE ROLE agentdb_test_owner; CREATE ROLE agentdb_test_reader LOGIN PASSWORD 'secret';
CREATE ROLE agentdb_test_bystander;
ALTER TABLE customers OWNER TO agentdb_test_owner;
GRANT SELECT (email) ON customers TO agentdb_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE agentdb_test_owner GRANT SELECT ON TABLES TO agentdb_test_reader;
COMMENT ON TABLE customers IS 'who buys; it''s them';
CREATE EXTENSION pg_trgm; CREATE EXTENSION citext;
CREATE PUBLICATION pub FOR TABLE customers;
CREATE STATISTICS st ON id, email FROM customers;
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'prod');
CREATE USER MAPPING FOR agentdb_test_reader SERVER elsewhere OPTIONS (user 'app', password 'canary');
CREATE SCHEMA agentdb; CREATE TABLE agentdb.history (id int);
INSERT INTO customers (email) VALUES ('a@example.org');
"""
ROLES = ("agentdb_test_owner", "agentdb_test_reader", "agentdb_test_bystander")


@pytest.fixture
def target(database: SandboxDatabase, server: SandboxServer) -> SandboxDatabase:
    """A stand-in for a production database, on the tests' server."""
    with database.connect() as connection:
        connection.execute(AWKWARD.encode())
        connection.execute(f"ALTER DATABASE {database.name} SET timezone TO 'Asia/Kolkata'".encode())
        connection.execute(f"""ALTER DATABASE {database.name} SET search_path TO public, "Odd Schema" """.encode())
    for role in ROLES:
        database.adopt_role(role)
    return database


@pytest.fixture(autouse=True)
def no_role_stays(server: SandboxServer, database: SandboxDatabase, request: pytest.FixtureRequest) -> None:
    def drop() -> None:
        database.drop()
        for role in ROLES:
            server.execute(f"DROP ROLE IF EXISTS {role}")

    request.addfinalizer(drop)


def statements(script: str) -> list[str]:
    """The lines of a dump that are neither blank nor comments."""
    return [line.strip() for line in script.splitlines() if line.strip() and not line.startswith("--")]


def test_the_schema_comes_over_whole_with_owners_grants_and_settings(
    server: SandboxServer, target: SandboxDatabase
) -> None:
    with server.create() as database:
        state = before.from_target(database, target.dsn)
        assert state.complete, state
        expected, got = dump.schema_of(target.dsn), dump.schema_of(database.dsn)
        assert "canary" in expected and "canary" not in got
        assert statements(got) == statements(re.sub(r"CREATE USER MAPPING[^;]*;", "", expected))
        assert "history" not in got and "agentdb_test_owner" in got and "\\restrict in a body stays" in got
        with database.connect() as connection:
            assert connection.execute("SHOW timezone").fetchone() == ("Asia/Kolkata",)
            assert connection.execute("SHOW search_path").fetchone() == ('public, "Odd Schema"',)
            assert connection.execute("SELECT n FROM counts").fetchone() == (0,), "views are filled"
            assert connection.execute("SELECT count(*) FROM customers").fetchone() == (0,), "no rows come over"
        assert database.roles is not None and "agentdb_test_bystander" in database.roles
        with server.clone(database) as clone:
            assert clone.roles == database.roles
            assert run_script(clone, "GRANT SELECT ON customers TO agentdb_test_bystander").ok


def test_the_target_is_only_read(server: SandboxServer, target: SandboxDatabase) -> None:
    with target.connect() as connection:
        state = "SELECT pg_current_xact_id_if_assigned(), (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) > 0"
        assert connection.execute(state.encode()).fetchone()
        connection.execute(f"ALTER DATABASE {target.name} SET default_transaction_read_only TO on".encode())
    with server.create() as database:
        assert before.from_target(database, target.dsn).complete


def test_a_missing_extension_is_told_and_the_rest_is_made(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute(
            b"CREATE TABLE plain (a int); CREATE EXTENSION citext; CREATE TABLE odd (a citext);"
            b"UPDATE pg_extension SET extname = 'postgis' WHERE extname = 'citext'"
        )
    with server.create() as made:
        state = before.from_target(made, database.dsn)
        assert state.missing_extensions == ("postgis",)
        assert not state.complete
        assert any("citext" in line for line in state.missing)
        assert "postgis" in state.advice
        with made.connect() as connection:
            assert connection.execute("SELECT to_regclass('plain') IS NULL, to_regclass('odd') IS NULL").fetchone() == (
                False,
                True,
            )


def test_stand_ins_are_told(server: SandboxServer, database: SandboxDatabase) -> None:
    if not server.embedded:
        pytest.skip("needs the embedded server, which has stand-ins")
    sql = """CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp";
        CREATE TABLE t (id uuid DEFAULT uuid_generate_v4(), secret text DEFAULT crypt('x', gen_salt('bf', 8)))"""
    run = run_script(database, sql)
    assert run.ok, run.error
    assert any("stand-in" in note and "pgcrypto" in note for note in run.notes)
    with server.create() as made:
        state = before.from_target(made, database.dsn)
        assert state.complete and state.stand_ins == ("pgcrypto", "uuid-ossp")
        assert any("stand-in" in note for note in state.notes)


def test_a_target_without_schema_public_stays_without(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute(b"DROP SCHEMA public; CREATE SCHEMA app; CREATE TABLE app.t ()")
    with server.create() as made:
        assert before.from_target(made, database.dsn).complete
        with made.connect() as connection:
            assert connection.execute("SELECT to_regnamespace('public') IS NULL").fetchone() == (True,)


def test_a_locked_table_is_one_clear_error(target: SandboxDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "LOCK_WAIT_MS", 50)
    with target.connect() as connection:
        connection.execute(b"BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseError, match="a table is locked"):
            dump.schema_of(target.dsn)


def test_no_secret_is_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Dsn("postgresql://app:canary@db.example:6543/shop?sslmode=require")
    environment = dump.connection_environment(target)
    assert environment["PGPASSWORD"] == "canary"
    assert (environment["PGHOST"], environment["PGPORT"]) == ("db.example", "6543")
    assert environment["PGSSLMODE"] == "require"
    assert "read_only=on" in environment["PGOPTIONS"]
    seen: list[object] = []

    def refuse(program: Path, arguments: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.append(arguments)
        return subprocess.CompletedProcess([], 1, "", "canary")

    monkeypatch.setattr(software, "run", refuse)
    with pytest.raises(DatabaseError) as error:
        dump.schema_of(target)
    assert "canary" not in json.dumps(seen) and "canary" not in str(error.value)


def test_pg_dump_speaks_tls_where_the_drivers_library_can_be_used(tmp_path: Path) -> None:
    if "LD_PRELOAD" not in dump.connection_environment(Dsn("host=x")):
        pytest.skip("needs a driver with a libpq of its own")
    with pytest.raises(DatabaseError) as error:
        dump.schema_of(Dsn("postgresql://app@127.0.0.1:1/shop?sslmode=require"))
    assert "not compiled in" not in str(error.value)


def test_earlier_migrations_are_replayed_and_a_broken_one_is_named(database: SandboxDatabase) -> None:
    def migration(number: str, sql: str) -> Migration:
        return Migration(number, "x", Path(f"m/{number}_x.sql"), sql, "")

    first = migration("001", "CREATE TABLE t (a int);")
    second = migration("002", "CREATE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD b int;")
    state = before.from_migrations(database, [first, second])
    assert (state.source, state.complete) == ("migrations", True)
    with database.connect() as connection:
        assert connection.execute("SELECT to_regclass('i') IS NOT NULL").fetchone() == (True,)
    with pytest.raises(SandboxError) as error:
        before.from_migrations(database, [migration("003", "\nALTER TABLE nope ADD b int;")])
    assert error.value.where == "m/003_x.sql:2"
    assert 'relation "nope" does not exist' in error.value.what


def test_a_server_of_ones_own_holds_a_target_it_is_not(server: SandboxServer, target: SandboxDatabase) -> None:
    """The whole way with a sandbox server by connection string."""
    if os.environ.get("AGENTDB_TEST_DSN"):
        pytest.skip("the target lies on the same server")
    with sandbox_server(server_dsn=server.dsn) as own, own.create() as database:
        assert before.from_target(database, target.dsn).complete


def test_the_servers_own_counter_on_columns_is_left_out_of_the_script() -> None:
    from agentdb.tools.sandbox.dump import without_counters

    kept = "ALTER TABLE ONLY public.t ALTER COLUMN b SET (n_distinct=5);\n"
    counted = (
        "ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=22160560);\n"
        "ALTER TABLE ONLY public.t ALTER COLUMN b SET (pg_attver=22160560, n_distinct=5);\n"
    )
    assert without_counters(counted).strip() == kept.strip()
    assert without_counters(kept) == kept
