"""What a type change costs, compared with what the server does."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.catalog import Catalog
from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.learn import learn
from agentdb.tools.hazards.learn_table import proven_by
from agentdb.tools.hazards.run import check
from agentdb.tools.hazards.shapes import TypeRef, type_of_text
from agentdb.tools.hazards.type_change import cost_of_cast
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sql.parse import parse

TYPES = """smallint; integer; bigint; numeric; numeric(8,2); numeric(10,2); numeric(10,4); text; varchar; varchar(10);
    varchar(20); char(4); char(8); bpchar; date; timestamp; timestamp(3); timestamp(6); timestamptz; timestamptz(3); time(3);
    interval; interval(3); interval day to second; xml; inet; cidr; oid; regclass; bit(4); varbit; varbit(8); integer[];
    varchar(10)[]; varchar[]; text[]; mood; whole; positive""".replace("\n", " ")
MAKE = """CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN whole AS integer;
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);"""

# In one block on the server: for each pair, whether the table's file changes.
PROBE = """
DO $$
DECLARE old text; new text; file oid; cost text;
BEGIN
  FOREACH old IN ARRAY string_to_array('{types}', ';') LOOP
    FOREACH new IN ARRAY string_to_array('{types}', ';') LOOP
      EXECUTE format('CREATE TABLE probe (v %s)', old);
      file := pg_relation_filenode('probe');
      BEGIN
        EXECUTE format('ALTER TABLE probe ALTER v TYPE %s', new);
        cost := CASE WHEN file = pg_relation_filenode('probe') THEN 'free' ELSE 'rewrite' END;
      EXCEPTION WHEN OTHERS THEN
        cost := 'refused';
      END;
      INSERT INTO seen VALUES (trim(old), trim(new), cost);
      DROP TABLE probe;
    END LOOP;
  END LOOP;
END $$;"""


def known() -> Catalog:
    catalog = Catalog(complete=True)
    for parsed in parse(MAKE).statements:
        learn(catalog, parsed.node_name, parsed.node, new=False)
    return catalog


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_every_pair_of_types_costs_what_the_server_says(database: SandboxDatabase, zone: str) -> None:
    catalog = known()
    types = TYPES if zone == "UTC" else "timestamp; timestamptz; timestamp(3); timestamptz(3); date; text"
    with database.connect(TimeZone=zone) as connection:
        connection.execute(MAKE.encode())
        connection.execute(b"CREATE TABLE seen (old text, new text, cost text)")
        connection.execute(PROBE.format(types=types).encode())
        pairs = connection.execute(b"SELECT old, new, cost FROM seen WHERE cost <> 'refused'").fetchall()
    assert len(pairs) > 10
    wrong = []
    for old, new, cost in pairs:
        before, after = type_of_text(old), type_of_text(new)
        assert before and after
        told = cost_of_cast(before, after, catalog, utc=zone == "UTC").cost.value
        if told != cost:
            wrong.append((old, new, cost, told))
    assert wrong == []


def about_types(sql: str, context: Context) -> list[str]:
    """The rules about the change itself that are raised; advice on the type is left out."""
    return [f.rule for f in check(parse(sql), context=context) if f.rule.startswith("changing-")]


SETUP = """CREATE TABLE t (id bigint PRIMARY KEY, v varchar(10), w varchar(10), x varchar(10), y varchar(10), n integer,
        CONSTRAINT short CHECK (length(y) < 9));
    CREATE INDEX t_v ON t (v); CREATE INDEX t_x ON t (lower(x), x);"""


@pytest.mark.parametrize(
    ("change", "raised"),
    [
        ("v TYPE text", False),
        ("v TYPE varchar(20)", False),
        ('v TYPE varchar(20) COLLATE "C"', True),  # the index
        ('w TYPE varchar(20) COLLATE "C"', False),
        ("v TYPE bpchar", True),  # the index, by other rules
        ("w TYPE bpchar", False),
        ("x TYPE text", True),  # the index has an expression
        ("y TYPE text", True),  # the CHECK is verified again
        ("w TYPE text USING w::text", False),
        ("w TYPE text USING upper(w)", True),
        ("w TYPE varchar(20) USING w::text::varchar(20)", True),
        ("n TYPE text USING n::text", True),
        ("n TYPE integer", False),
    ],
)
def test_what_hangs_on_a_column_costs_too(database: SandboxDatabase, change: str, raised: bool) -> None:
    sql = f"ALTER TABLE t ALTER COLUMN {change};"
    context = Context(in_transaction=True, setup=(parse(SETUP),), schema_complete=True, lock_timeout_set=True)
    assert about_types(sql, context) == (["changing-column-type"] if raised else [])
    assert run_script(database, SETUP, trace=False).ok
    run = run_script(database, sql)
    assert run.ok, run.error
    [ran] = run.statements
    assert bool(ran.rewrites or ran.scans or ran.index_builds) == raised


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("TYPE bigint", "changing-column-type"),
        ("TYPE jsonb USING c::jsonb", "changing-column-type"),
        ("TYPE char(3)", "changing-column-type"),
        ("TYPE timestamp(0)", "changing-column-type"),
        ("TYPE text", "changing-column-type-unverified"),
        ("TYPE varchar(50)", "changing-column-type-unverified"),
        ("TYPE timestamptz", "changing-column-type-unverified"),
        ("TYPE mood USING c::mood", "changing-column-type-unverified"),
        ("TYPE text USING lower(c)", "changing-column-type"),
    ],
)
def test_without_the_old_type_only_what_is_sure_is_said(change: str, rule: str) -> None:
    context = Context(in_transaction=False, lock_timeout_set=True)
    assert about_types(f"ALTER TABLE t ALTER c {change};", context) == [rule]


@pytest.mark.parametrize(
    "expression",
    [
        "a IS NOT NULL",
        "NOT (a IS NULL)",
        "a IS DISTINCT FROM NULL",
        "a > 0 AND a IS NOT NULL",
        "NOT (a IS NULL OR b IS NULL)",
        "a IS NOT NULL OR b IS NOT NULL",
        "(a IS NOT NULL) IS TRUE",
        "a = a",
        "NOT (a IS NULL AND b IS NULL)",
    ],
)
def test_a_check_proves_not_null_where_the_server_thinks_so(database: SandboxDatabase, expression: str) -> None:
    [statement] = parse(f"SELECT {expression}").statements
    says = "a" in proven_by(statement.node.target_list[0].res_target.val)
    assert run_script(database, f"CREATE TABLE t (a int, b int, CHECK ({expression}));", trace=False).ok
    [ran] = run_script(database, "ALTER TABLE t ALTER a SET NOT NULL;").statements
    assert says == (not ran.scans)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("character varying(20)", "varchar(20)"),
        ("int[]", "integer[]"),
        ("timestamp without time zone", "timestamp"),
        ('app."Mood"', "app.Mood"),
        ("numeric(8,2)", "numeric(8,2)"),
        ("double precision", "double precision"),
    ],
)
def test_types_are_read_and_shown(text: str, shown: str) -> None:
    assert str(type_of_text(text)) == shown


def test_a_text_that_is_no_type_is_none() -> None:
    assert type_of_text("1 2 3") is None
    assert type_of_text("int); DROP TABLE x; SELECT (1") is None
    assert TypeRef("int4") == type_of_text("pg_catalog.int4")
