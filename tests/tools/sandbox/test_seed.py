"""Rows for schemas that make it hard: every table gets some, and every constraint that the server knows holds."""

import random
import re
from collections.abc import Iterator

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.seed_hints import Hint, hints
from agentdb.tools.sandbox.seed_patterns import like, like_fits, matching
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.model import ObjectId

AWKWARD = r"""
CREATE EXTENSION btree_gist; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION citext; CREATE EXTENSION vector;
CREATE TYPE mood AS ENUM ('calm', 'glad', 'odd');
CREATE TYPE addr AS (street text, zip varchar(5), n int);
CREATE TYPE floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE DOMAIN positive AS int CHECK (VALUE > 0 AND VALUE < 50);
CREATE DOMAIN iso3 AS char(3) NOT NULL CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN mail AS citext CHECK (VALUE ~ '^[^@]+@[^@]+\.[a-z]+$');
CREATE TABLE everything (
 id bigint generated always as identity primary key, a smallint, b int, c numeric(6,2), c2 numeric(3,3), c3 numeric(5,-2), d real, e double precision, f money, g boolean, h text, i varchar(3), j char(4),
 k bytea, l date, m timestamp, n timestamptz, o time, p timetz, q interval, r uuid, s json, t jsonb, u inet, v cidr, w macaddr, w8 macaddr8, x bit(3), y varbit(5), x1 bit,
 z point, aa line, ab lseg, ac box, ad path, ae polygon, af circle, ag tsvector, ah tsquery, ai int4range, aj numrange, ak tsrange, al tstzrange, am daterange, an int8range, ao int4multirange, ap floatrange, ap2 datemultirange,
 aq int[], ar text[], asx mood[], at mood not null, au addr, av addr[], aw positive, ax iso3, ay mail, az hstore, ba ltree, bb vector(4), bc xml, bd jsonb[], be box[], bf positive[], bg "char", bh name, bi oid, bj regclass, bk pg_lsn, bl jsonpath, bm int[][], bn int generated always as (b * 2) stored, bo int generated always as (b*3) virtual);
CREATE TABLE customers (id serial primary key, email text not null unique check (email ~~ '%@%'), country char(2) check (country = any(array['DE','FR'])), age int check (age between 18 and 120), rating numeric(2,1) check (rating >= 0 and rating <= 5), name varchar(10) not null check (length(name) >= 3), code text unique check (code ~ '^[A-Z]{2}[0-9]{4}$'), low text check (lower(low)=low), meta jsonb not null check (jsonb_typeof(meta)='array'), tags text[] check (cardinality(tags) between 1 and 2));
CREATE TABLE employees (id int primary key, boss int references employees, dept int not null, unique (dept, id));
CREATE TABLE depts (id int primary key, head int not null, foreign key (head) references employees deferrable);
ALTER TABLE employees ADD FOREIGN KEY (dept) REFERENCES depts;
CREATE TABLE selfish (id bigint generated always as identity primary key, parent bigint not null references selfish);
CREATE TABLE tenants (id uuid primary key default gen_random_uuid(), name text unique);
CREATE TABLE projects (tenant uuid references tenants, id int, primary key (tenant, id), name text);
CREATE TABLE tasks (id int primary key, tenant uuid not null, project int not null, blocked_by int, foreign key (tenant, project) references projects, foreign key (tenant) references tenants, unique (tenant, id), foreign key (tenant, blocked_by) references tasks (tenant, id));
CREATE TABLE task_tags (task int references tasks, customer int references customers, primary key (task, customer));
CREATE TABLE profile (customer int primary key references customers on delete cascade, bio text);
CREATE TABLE bookings (id serial primary key, room int not null, during tstzrange not null, exclude using gist (room with =, during with &&));
CREATE TABLE bookings2 (id serial primary key, room int not null, starts timestamptz not null, ends timestamptz not null, check (ends > starts), exclude using gist (room with =, tstzrange(starts, ends) with &&));
CREATE TABLE visits (id bigint, day date not null, region text not null, primary key (id, day, region)) partition by range (day);
CREATE TABLE visits_a PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2020-02-01') partition by list (region);
CREATE TABLE visits_a1 PARTITION OF visits_a FOR VALUES IN ('eu','us');
CREATE TABLE visits_a2 PARTITION OF visits_a DEFAULT;
CREATE TABLE visits_b PARTITION OF visits FOR VALUES FROM ('2021-01-01') TO (MAXVALUE);
CREATE TABLE hashed (id int primary key, v text) partition by hash (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 1);
CREATE TABLE noparts (id int) partition by range (id);
CREATE TABLE either (id int primary key, a int, b int, check ((a is null) <> (b is null)), check (num_nonnulls(a,b)=1));
CREATE TABLE either2 (id int primary key, kind text check (kind in ('x','y')), x int, y int, check ((kind='x' and x is not null and y is null) or (kind='y' and y is not null and x is null)));
CREATE TABLE flags (on_off boolean primary key, note text);
CREATE TABLE hard (id int primary key, n int not null, check (n * n = n + 30 * (n - 5) + 0 - 0 and n > 1000000));
CREATE TABLE odd_n (id serial primary key, n int not null check (n % 7 = 3), m int not null check (m % 2 = 0));
CREATE TABLE partial (id serial primary key, u text, active boolean not null); CREATE UNIQUE INDEX ON partial (u) WHERE active; CREATE UNIQUE INDEX ON partial (lower(u));
CREATE TABLE emptycols (); CREATE TABLE onlyid (id serial primary key);
CREATE SCHEMA "Odd S"; CREATE TABLE "Odd S"."T x%" ("select" int primary key, "a""b" text, "%s" int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no rows please'; END $$;
CREATE TABLE refusing (id int); CREATE TRIGGER x BEFORE INSERT ON refusing FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE r2 (id int primary key); CREATE TRIGGER x BEFORE INSERT ON r2 FOR EACH ROW EXECUTE FUNCTION refuse(); CREATE TABLE orphan (id int, p int not null references r2); CREATE TABLE a1 (id int primary key, b int not null); CREATE TABLE b1 (id int primary key, a int not null references a1); ALTER TABLE a1 ADD FOREIGN KEY (b) REFERENCES b1; CREATE MATERIALIZED VIEW mv AS SELECT count(*) n FROM customers WITH NO DATA; CREATE TABLE temporal (id int, during daterange, primary key (id, during without overlaps));
"""
FEW = {"public.flags": 2}
NONE = {
    "public.hard": "integer out of range",
    "public.noparts": "no partition of relation",
    "public.refusing": "no rows please",
    "public.r2": "no rows please",
    "public.orphan": "no row that orphan_p_fkey could point to",
}


@pytest.fixture(scope="module")
def awkward(server: SandboxServer) -> Iterator[SandboxDatabase]:
    if not server.embedded:
        pytest.skip("needs the extensions of the embedded server")
    with server.create() as database:
        with database.connect() as connection:
            connection.execute(AWKWARD.encode())
        yield database


@pytest.fixture
def empty(server: SandboxServer, awkward: SandboxDatabase) -> Iterator[SandboxDatabase]:
    with server.clone(awkward) as database:
        yield database


def test_every_table_gets_rows_or_a_reason(empty: SandboxDatabase) -> None:
    with empty.connect() as connection:
        report = seed(connection)
        for table, count in report.rows.items():
            assert count == (0 if table in NONE else FEW.get(table, 12)), (table, report.skipped.get(table))
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (count,)
        assert set(report.skipped) == {*NONE, *FEW}
        assert report.skipped["public.flags"] == "2 of 12 rows: not enough different values"
        for table, reason in NONE.items():
            assert reason in report.skipped[table]
        assert connection.execute("SELECT n FROM mv").fetchone() == (12,), "views are filled"


def test_the_data_has_what_makes_migrations_fail(empty: SandboxDatabase) -> None:
    with empty.connect() as connection:
        seed(connection)

        def one(query: str) -> object:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return row[0]

        assert one("SELECT count(*) BETWEEN 1 AND 6 FROM customers WHERE rating IS NULL"), "some NULLs"
        assert one("SELECT count(DISTINCT kind) FROM either2") == 2, "both sides of an OR"
        assert one("SELECT count(DISTINCT tableoid) FROM visits") == 2, "partitions in turn"
        assert one("SELECT count(*) FROM employees WHERE boss IS NOT NULL") == 8, "keys into the table itself"
        assert one("SELECT count(*) FROM tasks WHERE blocked_by IS NOT NULL") == 8
        assert one("SELECT count(DISTINCT at) FROM everything") == 3, "every label of an enum"
        assert one("SELECT count(*) FROM customers WHERE email LIKE '%@example.org'") == 12, "values like real ones"


def test_the_same_seed_gives_the_same_rows(server: SandboxServer, awkward: SandboxDatabase) -> None:
    found = []
    for number in (1, 1, 2):
        with server.clone(awkward) as database, database.connect() as connection:
            seed(connection, seed=number)
            found.append(
                connection.execute("SELECT json_agg(c), (SELECT json_agg(t) FROM tasks t) FROM customers c").fetchone()
            )
    assert found[0] == found[1] != found[2]


def test_rows_that_are_there_stay_and_count(empty: SandboxDatabase) -> None:
    with empty.connect() as connection:
        connection.execute("INSERT INTO tenants (name) SELECT 'amber-' || i FROM generate_series(1, 5) i")
        connection.execute("INSERT INTO flags VALUES (true, 'mine')")
        connection.execute("INSERT INTO customers (id, email, name, meta) VALUES (1, 'a@b', 'abc', '[]')")
        report = seed(connection)
        assert report.rows["public.tenants"] == 7
        assert report.rows["public.flags"] == 1
        assert report.rows["public.customers"] == 11, report.skipped
        assert connection.execute("SELECT note FROM flags WHERE on_off").fetchone() == ("mine",)
        again = seed(connection)
        assert not any(again.rows.values())


def test_only_the_named_tables_are_filled(empty: SandboxDatabase) -> None:
    with empty.connect() as connection:
        report = seed(connection, rows=3, tables=[ObjectId("table", "public", "", "tenants")])
        assert report.rows == {"public.tenants": 3}
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (0,)


def test_a_failing_table_takes_nothing_else_with_it(database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int NOT NULL CHECK (id * 0 = 1)); CREATE TABLE c (id int)"
        )
        report = seed(connection)
        assert report.rows == {"public.a": 12, "public.b": 0, "public.c": 12}
        assert 'violates check constraint "b_id_check"' in report.skipped["public.b"]


@pytest.mark.parametrize(
    ("expression", "column", "hint"),
    [
        ("((amount > 0) AND (amount <= 100))", "amount", Hint(low=("0", False), high=("100", True))),
        ("(state = ANY (ARRAY['a'::text, 'b'::text]))", "state", Hint(values=["a", "b"])),
        ("((s)::text = ANY ((ARRAY['x'::character varying])::text[]))", "s", Hint(values=["x"])),
        ("(length(code) = 3)", "code", Hint(min_length=3, max_length=3)),
        ("(VALUE ~ '^[A-Z]+$'::text)", "value", Hint(patterns=["^[A-Z]+$"])),
        ("(ends_at > starts_at)", "ends_at", Hint(above=["starts_at"])),
        ("(lower(code) = code)", "code", Hint(case="lower")),
        ("(jsonb_typeof(j) = 'object'::text)", "j", Hint(json_type="object")),
        ("(x <> ''::text)", "x", Hint(excluded={""}, min_length=1)),
        ("(lat >= '-90'::integer)", "lat", Hint(low=("-90", True))),
        ("this is no expression", "x", None),
    ],
)
def test_checks_are_read(expression: str, column: str, hint: Hint | None) -> None:
    assert hints([expression]).get(column) == hint


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}$", r"^\d{3}-\d{4}$", r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", r"^(foo|bar)+$", r"^\+?[0-9]{7,15}$",
        r"^#[0-9a-fA-F]{6}$", r"^(?:[a-z0-9-]+\.)+[a-z]{2,}$", r"^[a-z]+(-[a-z]+)*$", r"^[]x-]{2}$", r"^a.c\.d$",
    ],
)  # fmt: skip
def test_a_made_text_matches_its_pattern(pattern: str) -> None:
    for number in range(20):
        made = matching(pattern, random.Random(number))
        assert made is not None and re.fullmatch(pattern.strip("^$"), made), made


def test_a_pattern_beyond_us_is_none_and_like_is_like() -> None:
    assert matching("(?=x)y", random.Random(1)) is None
    assert matching("(unbalanced", random.Random(1)) is None
    assert like_fits("%@_.org", like("%@_.org", 3))
    assert like(r"100\%", 1) == "100%"
