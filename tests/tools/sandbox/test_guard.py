import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.server import SandboxServer

REACHING_OUT = [
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CREATE DATABASE other",
    "DROP DATABASE postgres",
    "CREATE TABLESPACE t LOCATION '/tmp'",
    "COPY t TO PROGRAM 'touch /tmp/agentdb-escaped'",
    "COPY t FROM '/etc/passwd'",
    "COPY t FROM STDIN",
    "COPY t FROM STDIN;\n1\t2\n\\.\n",
    "COPY (SELECT 1) TO STDOUT",
    "LOAD 'auto_explain'",
    "SELECT pg_read_file('/etc/passwd')",
    "CREATE VIEW v AS SELECT * FROM pg_ls_dir('/')",
    "INSERT INTO t SELECT pg_catalog.pg_reload_conf()",
    "SELECT pg_terminate_backend(1)",
    "SELECT lo_export(1, '/tmp/x')",
    "CREATE EXTENSION dblink",
    "SELECT * FROM dblink('host=prod', 'DELETE FROM t') AS x(a int)",
    "CREATE SUBSCRIPTION s CONNECTION 'host=prod' PUBLICATION p",
    "IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public",
    "DO $$ BEGIN EXECUTE 'COPY t TO PROGRAM ''id'''; END $$",
    "DO $$ BEGIN PERFORM pg_read_file('/etc/passwd'); END $$",
    "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT pg_read_file('/etc/passwd') $$",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/evil.so', 'f'",
]


@pytest.mark.parametrize("sql", REACHING_OUT)
def test_what_reaches_out_of_the_sandbox_is_not_run_and_the_verdict_is_unknown(
    database: SandboxDatabase, sql: str
) -> None:
    run = run_script(database, f"CREATE TABLE t (a text);\n{sql}")
    assert not run.ok
    assert run.unknown and run.line == 2
    assert run.error.startswith("line 2: not run in the sandbox")
    with database.connect() as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE copy (program text); COMMENT ON TABLE copy IS 'COPY x TO PROGRAM'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SELECT f()",
        "CREATE TABLE x (program text, copy text); DO $$ BEGIN INSERT INTO x (copy, program) VALUES ('a', 'b'); END $$",
        "SELECT 'pg_read_file()'",
    ],
)
def test_ordinary_sql_that_only_sounds_so_is_run(database: SandboxDatabase, sql: str) -> None:
    run = run_script(database, sql)
    assert run.ok, run.error


def test_a_program_is_called_one(database: SandboxDatabase) -> None:
    assert "runs a program" in run_script(database, "COPY (SELECT 1) TO PROGRAM 'id'").unknown


def test_psql_commands_are_named(database: SandboxDatabase) -> None:
    run = run_script(database, "CREATE TABLE t (a int);\n\\copy t from 'x.csv'\n", path="3_x.sql")
    assert run.error == "3_x.sql:2: \\copy is a command of psql, not SQL; the server does not know it"
    assert not run.unknown


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER DATABASE shop SET timezone TO 'UTC'",
        "GRANT CONNECT ON DATABASE shop TO PUBLIC",
        "COMMENT ON DATABASE shop IS 'x'",
        "ALTER ROLE postgres PASSWORD 'x'",
        "DROP ROLE postgres",
        "GRANT postgres TO agentdb_test_nobody_here",
    ],
)
def test_what_concerns_the_whole_server_is_left_out_and_told(database: SandboxDatabase, sql: str) -> None:
    run = run_script(database, f"{sql}; CREATE TABLE t ()")
    assert run.ok, run.error
    assert run.statements[0].skipped and not run.statements[1].skipped


def roles(server: SandboxServer) -> set[object]:
    return {name for (name,) in server.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'agentdb_test_%'")}


def test_roles_are_made_for_the_sandbox_and_dropped_with_it(server: SandboxServer) -> None:
    from agentdb.tools.sandbox.server import sandbox_server

    with sandbox_server(server_dsn=server.dsn) as own, own.create() as database:
        run = run_script(
            database,
            "CREATE ROLE agentdb_test_one LOGIN PASSWORD 'secret';\n"
            "DO $$ BEGIN CREATE ROLE agentdb_test_two; END $$;\n"
            "CREATE TABLE t (); GRANT SELECT ON t TO agentdb_test_one, agentdb_test_two, agentdb_test_three;\n"
            "ALTER TABLE t OWNER TO agentdb_test_four;",
        )
        assert run.ok, run.error
        assert roles(server) == {f"agentdb_test_{n}" for n in ("one", "two", "three", "four")}
        assert server.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'agentdb_test_one'") == [(False,)]
        assert len([note for note in run.notes if "is made for the sandbox" in note]) == 3
        again = run_script(database, "CREATE ROLE agentdb_test_one")
        assert again.ok and again.statements[0].skipped
    assert roles(server) == set()


def test_a_role_that_the_target_has_cannot_be_made_again(database: SandboxDatabase) -> None:
    database.roles = frozenset({"postgres"})
    run = run_script(database, "CREATE ROLE postgres")
    assert (run.ok, run.sqlstate) == (False, "42710")
    run = run_script(database, "CREATE TABLE t (); GRANT SELECT ON t TO agentdb_test_missing")
    assert (run.ok, run.sqlstate) == (False, "42704")
    assert "the target has no role agentdb_test_missing" in run.notes


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTENSION postgis",
        "CREATE TABLE t () TABLESPACE fast",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plperl AS 'return 1'",
    ],
)
def test_what_the_sandbox_lacks_makes_the_verdict_unknown(
    server: SandboxServer, database: SandboxDatabase, sql: str
) -> None:
    if not server.embedded:
        pytest.skip("needs the embedded server, of which it is known what it lacks")
    run = run_script(database, sql)
    assert not run.ok
    assert "the sandbox lacks" in run.unknown
