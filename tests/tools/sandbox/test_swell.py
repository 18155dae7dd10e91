"""Tables grow from their own rows, and every constraint still holds."""

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.swell import swell

SHAPES = """
CREATE TABLE people (id bigserial PRIMARY KEY, email varchar(60) NOT NULL UNIQUE, token uuid UNIQUE, born date,
    full_name text GENERATED ALWAYS AS (upper(email)) STORED);
CREATE TABLE profiles (person_id bigint PRIMARY KEY REFERENCES people, note text);
CREATE TABLE rooms (code int PRIMARY KEY, opened timestamptz UNIQUE);
CREATE TABLE visits (person_id bigint REFERENCES people, room int REFERENCES rooms, minutes int CHECK (minutes > 0),
    PRIMARY KEY (person_id, room));
CREATE TABLE lines (person_id bigint REFERENCES people, line smallint, PRIMARY KEY (person_id, line));
CREATE TABLE flags (on_off boolean PRIMARY KEY);
CREATE TABLE plain (a int, b text);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
"""


@pytest.fixture
def shapes(database: SandboxDatabase) -> SandboxDatabase:
    with database.connect() as connection:
        connection.execute(SHAPES.encode())
        seed(connection, rows=12)
        connection.execute(b"CREATE TRIGGER no BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION refuse()")
    return database


def test_tables_grow_to_the_size_asked_for(shapes: SandboxDatabase) -> None:
    with shapes.connect() as connection:
        made = swell(connection, 500)
        assert 450 <= made.rows.pop("public.lines") <= 500  # a line for each person who had none
        assert made.rows == {
            "public.flags": 2, "public.people": 500, "public.plain": 500, "public.profiles": 500, "public.rooms": 500,
            "public.visits": 500,
        }  # fmt: skip
        assert set(made.skipped) == {"public.flags"}
        # what was not asked while the rows were made still holds
        for child, parent in (("profiles", "people"), ("visits", "people"), ("lines", "people")):
            row = connection.execute(
                f"SELECT count(*) FROM {child} c WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.id = c.person_id)".encode()
            ).fetchone()
            assert row == (0,)
        assert connection.execute(b"SELECT reltuples FROM pg_class WHERE relname = 'people'").fetchone() == (500,)


def test_only_the_tables_named_grow_and_rows_that_are_enough_stay(shapes: SandboxDatabase) -> None:
    with shapes.connect() as connection:
        assert swell(connection, 100, tables=["public.rooms"]).rows == {"public.rooms": 100}
        assert swell(connection, 50, tables=["public.rooms"]).rows == {"public.rooms": 100}
