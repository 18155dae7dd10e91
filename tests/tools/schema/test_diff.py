"""Changes are few, typed and readable; renames are followed when told, and never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.describe import describe
from agentdb.tools.schema.diff import Change, diff, renames_of, significant
from agentdb.tools.schema.model import ObjectId, SchemaObject, Snapshot
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse

SchemaOf = Callable[[str], Snapshot]

SHOP = """
CREATE TYPE mood AS ENUM ('x', 'y');
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a integer NOT NULL, note text DEFAULT 'x',
    status varchar(10) CHECK (status IN ('a', 'b') AND a > 0), CHECK (a <> 3));
CREATE TABLE items (id serial PRIMARY KEY, order_id bigint REFERENCES orders (id) ON DELETE CASCADE, m mood, q integer);
CREATE INDEX orders_lower ON orders (lower(note), a) WHERE a > 0;
CREATE INDEX ON items (order_id);
CREATE VIEW one AS SELECT id, a FROM orders WHERE status IN ('a', 'c') ORDER BY a;
CREATE VIEW two AS SELECT o.id, o.a, i.q, i.m FROM orders o JOIN items i ON i.order_id = o.id WHERE o.a > 2;
CREATE VIEW three AS SELECT orders.id, orders.a + 1 AS more, items.q FROM orders JOIN items ON items.order_id = orders.id;
CREATE FUNCTION of_mood(m mood) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;
CREATE TRIGGER t1 BEFORE UPDATE ON orders FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION touch();
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON orders USING (a > 1 AND orders.a < 9 AND EXISTS (SELECT FROM items WHERE items.order_id = orders.id));
CREATE VIEW four AS SELECT a FROM orders UNION ALL SELECT a FROM one UNION ALL SELECT q FROM items;
CREATE PUBLICATION shop_news FOR TABLE orders (id, a) WHERE (id > 3), items;
CREATE STATISTICS together ON a, note FROM orders;
COMMENT ON COLUMN orders.a IS 'the a';
"""


def lines(before: Snapshot, after: Snapshot, script: str = "") -> list[str]:
    return [c.line for c in diff(before, after, renames=renames_of(parse(script), before))]


RENAMES = {
    "ALTER TABLE orders RENAME TO purchases": ["table public.orders renamed to public.purchases"],
    "ALTER TABLE orders RENAME a TO amount": ["column public.orders.a renamed to amount"],
    "ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases RENAME a TO b; ALTER TABLE purchases RENAME b TO amount": [
        "column public.orders.a renamed to amount",
        "table public.orders renamed to public.purchases",
    ],
    "ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO pk": [
        "constraint public.orders.orders_pkey renamed to pk",
        "index public.orders.orders_pkey renamed to pk",
    ],
    "ALTER INDEX items_pkey RENAME TO pk": [
        "constraint public.items.items_pkey renamed to pk",
        "index public.items.items_pkey renamed to pk",
    ],
    "ALTER TYPE mood RENAME TO feeling": ["enum public.mood renamed to public.feeling"],
    "ALTER FUNCTION touch() RENAME TO touched": ["function public.touch() renamed to public.touched()"],
    "ALTER FUNCTION of_mood(mood) RENAME TO moody": [
        "function public.of_mood(public.mood) renamed to public.moody(public.mood)"
    ],
    "ALTER SEQUENCE items_id_seq RENAME TO numbers": ["sequence public.items_id_seq renamed to public.numbers"],
    "ALTER TRIGGER t1 ON orders RENAME TO t2": ["trigger public.orders.t1 renamed to t2"],
    "ALTER POLICY p ON orders RENAME TO q": ["policy public.orders.p renamed to q"],
    "ALTER VIEW two RENAME TO pair": ["view public.two renamed to public.pair"],
    "ALTER VIEW two RENAME m TO mood": ["column public.two.m renamed to mood"],
    "ALTER STATISTICS together RENAME TO apart": ["statistics public.together renamed to public.apart"],
    "ALTER SCHEMA public RENAME TO shop": ["schema public renamed to shop"],
    "CREATE SCHEMA s; ALTER TABLE items SET SCHEMA s": [
        "schema s added",
        "sequence public.items_id_seq renamed to s.items_id_seq",
        "table public.items renamed to s.items",
    ],
    "CREATE SCHEMA s; ALTER TYPE mood SET SCHEMA s": ["schema s added", "enum public.mood renamed to s.mood"],
    "ALTER TABLE items RENAME TO passing; ALTER TABLE orders RENAME TO items; ALTER TABLE passing RENAME TO orders": [
        "table public.items renamed to public.orders",
        "table public.orders renamed to public.items",
    ],
    "ALTER TABLE orders RENAME TO o; ALTER TABLE o RENAME TO orders": [],
    'ALTER TABLE orders RENAME TO "Order Lines"; ALTER TABLE "Order Lines" RENAME a TO "select"': [
        'column public.orders.a renamed to "select"',
        'table public.orders renamed to public."Order Lines"',
    ],
}


@pytest.fixture(scope="module")
def shop(server: SandboxServer) -> Iterator[tuple[Snapshot, SchemaOf]]:
    """The shop's schema, and what a script makes of it in a transaction that is taken back."""
    with server.create() as made, made.connect(client_min_messages="error") as conn:
        for parsed in parse(SHOP).statements:
            conn.execute(parsed.statement.text.encode())

        def changed(sql: str) -> Snapshot:
            with conn.transaction(force_rollback=True):
                for parsed in parse(sql).statements:
                    conn.execute(parsed.statement.text.encode())
                return read_snapshot(conn)

        yield read_snapshot(conn), changed


@pytest.mark.parametrize("script", RENAMES)
def test_a_rename_is_one_change_and_what_hangs_on_it_follows(shop: tuple[Snapshot, SchemaOf], script: str) -> None:
    before, changed = shop
    after = changed(script)
    assert sorted(lines(before, after, script)) == sorted(RENAMES[script])
    if RENAMES[script]:
        told = lines(before, after)
        assert told and not any("renamed" in line for line in told)


def test_a_rename_hides_no_other_change(schema_of: SchemaOf) -> None:
    before = schema_of(SHOP)
    script = (
        "ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases RENAME a TO amount;"
        " ALTER TABLE purchases ALTER amount TYPE bigint;"
    )
    script = script.replace(
        "ALTER TABLE purchases ALTER amount TYPE bigint;", "ALTER TABLE purchases ALTER amount SET DEFAULT 4;"
    )
    more = (
        "CREATE OR REPLACE VIEW two AS SELECT o.id, o.amount AS a, i.q, i.m FROM purchases o JOIN items i ON i.order_id = o.id"
        " WHERE o.amount > 3; ALTER TABLE purchases DROP CONSTRAINT orders_a_check;"
        " ALTER TABLE purchases ADD CONSTRAINT orders_a_check CHECK (amount <> 4)"
    )
    assert lines(before, schema_of(script + more), script) == [
        "column public.orders.a renamed to amount",
        "column public.purchases.amount: default set to 4",
        "constraint public.purchases.orders_a_check: definition changed from CHECK ((a <> 3)) to CHECK ((amount <> 4))",
        "table public.orders renamed to public.purchases",
        "view public.two: definition changed",
    ]


def test_a_table_that_takes_the_name_of_a_dropped_one(schema_of: SchemaOf) -> None:
    before = schema_of("CREATE TABLE a (x integer); CREATE TABLE b (y integer)")
    script = "DROP TABLE a; ALTER TABLE b RENAME TO a"
    assert describe(diff(before, schema_of(script), renames=renames_of(parse(script), before))) == [
        "table public.b renamed to public.a",
        "table public.a dropped, with 1 column",
    ]


def test_what_the_script_makes_itself_has_no_name_before(schema_of: SchemaOf) -> None:
    before = schema_of(SHOP)
    script = "CREATE TABLE fresh (id integer); ALTER TABLE fresh RENAME TO new; ALTER TABLE nowhere RENAME TO somewhere"
    assert renames_of(parse(script), before) == {}


def test_names_without_a_schema_follow_the_search_path(schema_of: SchemaOf) -> None:
    before = schema_of(
        "CREATE SCHEMA s; CREATE TABLE s.t (a integer); CREATE TABLE t (a integer); CREATE TABLE s.lonely (a integer)"
    )
    table = ObjectId("table", "public", "", "t")
    assert renames_of(parse("ALTER TABLE t RENAME TO u"), before) == {table: table._replace(name="u")}
    inner = table._replace(schema="s")
    assert renames_of(parse("SET search_path = s, public; ALTER TABLE t RENAME TO u"), before) == {
        inner: inner._replace(name="u")
    }
    assert list(renames_of(parse("ALTER TABLE lonely RENAME TO u"), before)) == [inner._replace(name="lonely")]


def test_overloads_are_told_apart_by_their_types(schema_of: SchemaOf) -> None:
    before = schema_of(
        "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION f(varchar, timestamptz[]) RETURNS integer LANGUAGE sql AS 'SELECT 1'"
    )
    found = renames_of(parse("ALTER FUNCTION f(varchar(3), timestamptz[]) RENAME TO g"), before)
    assert [(o.name, n.name) for o, n in found.items()] == [
        ("f(character varying, timestamp with time zone[])", "g(character varying, timestamp with time zone[])")
    ]


def test_a_column_renamed_in_a_parent_is_renamed_in_its_heirs(schema_of: SchemaOf) -> None:
    before = schema_of(
        "CREATE TABLE p (a integer, k integer) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "CREATE TABLE parent (a integer CHECK (a > 0)); CREATE TABLE child () INHERITS (parent)"
    )
    script = "ALTER TABLE p RENAME a TO b; ALTER TABLE parent RENAME a TO b; ALTER TABLE p RENAME k TO l"
    after = schema_of(script)
    assert {c.kind for c in diff(before, after, renames=renames_of(parse(script), before))} == {"renamed"}


SENTENCES = [
    ("CREATE TABLE t (a integer)", "ALTER TABLE t ADD b text NOT NULL DEFAULT ''",
     "column public.t.b added: text, not null, default ''::text"),
    ("CREATE TABLE t (a integer)", "ALTER TABLE t ALTER a TYPE bigint", "column public.t.a: type changed from integer to bigint"),
    ("CREATE TABLE t (a integer)", "ALTER TABLE t ALTER a SET DEFAULT 3", "column public.t.a: default set to 3"),
    ("CREATE TABLE t (a integer DEFAULT 3)", "ALTER TABLE t ALTER a DROP DEFAULT", "column public.t.a: default removed (was 3)"),
    ("CREATE TABLE t (a integer)", "ALTER TABLE t ALTER a SET NOT NULL", "column public.t.a: not null set"),
    ("CREATE TABLE t (a integer NOT NULL)", "ALTER TABLE t ALTER a DROP NOT NULL", "column public.t.a: not null taken away"),
    ("CREATE TABLE t (a integer)", "CREATE UNIQUE INDEX i ON t (a) WHERE a > 0",
     "index public.t.i added: unique, on (a), where (a > 0)"),
    ("CREATE TABLE t (a integer)", "GRANT SELECT ON t TO PUBLIC", "table public.t: grants added: SELECT TO PUBLIC"),
    ("CREATE TABLE t (a integer)", "ALTER TABLE t SET (fillfactor = 50)", "table public.t: options: fillfactor = 50"),
    ("CREATE TYPE e AS ENUM ('a', 'c')", "ALTER TYPE e ADD VALUE 'b' AFTER 'a'", "enum public.e: label 'b' added after 'a'"),
    ("CREATE TYPE e AS ENUM ('a', 'c')", "ALTER TYPE e RENAME VALUE 'c' TO 'd'",
     "enum public.e: label 'd' added after 'a'; label 'c' gone"),
    ("CREATE TYPE c AS (a integer)", "ALTER TYPE c ADD ATTRIBUTE b text", "composite public.c: attribute b added: text"),
    ("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
     "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1'",
     "function public.f(): volatility changed from volatile to stable"),
    ("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
     "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'", "function public.f(): body changed"),
    ("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
     "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 2'",
     "function public.f(): body changed; volatility changed from volatile to stable"),
    ('CREATE TABLE "T t" ("select" integer)', 'ALTER TABLE "T t" DROP "select"', 'column public."T t"."select" dropped'),
    ("CREATE TABLE t (a integer, b integer, c integer)", "ALTER TABLE t DROP b, ADD b integer",
     "column public.t.b: position changed from 2 to 3"),
    ("CREATE TABLE t (a integer, b integer, c integer)", "ALTER TABLE t DROP a", "column public.t.a dropped"),
    ("CREATE TABLE t (a integer CHECK (a > 0) NOT VALID)", "ALTER TABLE t VALIDATE CONSTRAINT t_a_check",
     "constraint public.t.t_a_check: not valid taken away"),
]  # fmt: skip


@pytest.mark.parametrize(("setup", "script", "said"), SENTENCES, ids=[s for _, s, _ in SENTENCES])
def test_a_change_is_one_plain_sentence(schema_of: SchemaOf, setup: str, script: str, said: str) -> None:
    if "NOT VALID" in setup:
        setup = "CREATE TABLE t (a integer); ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0) NOT VALID"
    before = schema_of(setup)
    assert lines(before, schema_of(script)) == [said]


def test_describe_counts_what_comes_with_a_table(schema_of: SchemaOf) -> None:
    before = schema_of("")
    after = schema_of(SHOP)
    said = describe(diff(before, after))
    assert "table public.items added, with 4 columns, 2 constraints, 1 index, 1 sequence" in said
    assert "view public.two added, with 4 columns" in said
    assert len(said) < 12
    assert "table public.items dropped, with 4 columns, 2 constraints, 1 index, 1 sequence" in describe(
        diff(after, before)
    )


def test_describe_leaves_the_index_of_a_key_unsaid(schema_of: SchemaOf) -> None:
    before = schema_of("CREATE TABLE t (a integer NOT NULL)")
    assert describe(diff(before, schema_of("ALTER TABLE t ADD PRIMARY KEY (a)"))) == [
        "constraint public.t.t_pkey added: PRIMARY KEY (a)"
    ]


def column(name: str, **properties: object) -> SchemaObject:
    return SchemaObject(ObjectId("column", "s", "t", name), {"type": "text", **properties})


def snapshot(*objects: SchemaObject) -> Snapshot:
    return Snapshot("postgres", 180000, 1, {o.id: o for o in objects})


def test_significant_leaves_out_moves_and_soft_properties() -> None:
    before = snapshot(column("a", position=1), column("b", position=2, not_null_name="x"), column("c", position=3))
    after = snapshot(column("a", position=3, type="integer"), column("b", position=1), column("c", position=2))
    changes = diff(before, after)
    assert [(c.id.name, c.properties) for c in changes] == [("a", ("position", "type")), ("b", ("not_null_name",))]
    assert [c.properties for c in significant(changes)] == [("type",)]
    assert [c.properties for c in significant(changes, ignore_positions=False)] == [("position", "type")]
    assert significant(changes, ignore_properties={"type"}) == ()


@given(st.permutations(range(1, 9)))
def test_the_fewest_columns_are_said_to_have_moved(order: list[int]) -> None:
    before = snapshot(*(column(f"c{n}", position=n) for n in range(1, 9)))
    after = snapshot(*(column(f"c{n}", position=at + 1) for at, n in enumerate(order)))
    moved = {c.id.name for c in diff(before, after)}
    places = [n for at, n in enumerate(order) if f"c{n}" not in moved and at + 1 != n]
    assert places == sorted(places)
    assert (moved == set()) == (order == sorted(order))


names = st.sampled_from("abcd")
objects = st.builds(
    lambda kind, parent, name, value: SchemaObject(ObjectId(kind, "s", parent, name), {"position": value, "x": value}),
    st.sampled_from(["column", "table", "index"]), st.sampled_from(["", "t"]), names, st.integers(1, 3),
)  # fmt: skip
schemas = st.lists(objects, max_size=8).map(lambda made: snapshot(*made))


@given(schemas, schemas)
def test_a_diff_is_empty_just_when_nothing_differs(a: Snapshot, b: Snapshot) -> None:
    assert diff(a, a) == diff(b, b) == ()
    changes = diff(a, b)
    by_kind = {k: {c.id for c in changes if c.kind == k} for k in ("added", "dropped", "altered", "renamed")}
    assert by_kind["added"] == set(b.objects) - set(a.objects)
    assert by_kind["dropped"] == set(a.objects) - set(b.objects)
    assert not by_kind["renamed"]
    assert by_kind["altered"] == {
        i for i in a.objects.keys() & b.objects.keys() if a.objects[i] != b.objects[i]
    } - _kept(a, b)


def _kept(a: Snapshot, b: Snapshot) -> set[ObjectId]:
    """Columns that differ in nothing but the number of their place."""
    return {
        i for i in a.objects.keys() & b.objects.keys()
        if i.kind == "column" and a.objects[i].properties["x"] == b.objects[i].properties["x"]
    }  # fmt: skip


def test_a_change_knows_both_sides() -> None:
    before, after = snapshot(column("a", position=1)), snapshot(column("a", position=1, type="integer"))
    (change,) = diff(before, after)
    assert change == Change("altered", column("a").id, next(iter(before)), next(iter(after)), properties=("type",))
