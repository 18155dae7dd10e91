"""What the sandbox says of statements, against what PostgreSQL 18 is known to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.records import Migration
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import evidence, run_migration, run_script
from agentdb.tools.sandbox.runs import StatementRun
from agentdb.tools.sandbox.server import SandboxServer

SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, email varchar(40), note text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, amount int, placed timestamp, state text);
CREATE INDEX orders_state ON orders (state);
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, count(*) AS total FROM orders GROUP BY customer_id;
CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE visits (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE visits_new (id bigint, day date);
INSERT INTO customers SELECT i, 'c' || i || '@example.org', 'x' FROM generate_series(1, 20) i;
INSERT INTO orders SELECT i, i % 20 + 1, i, '2026-01-01', 'new' FROM generate_series(1, 50) i;
"""
EVERYTHING = ("SELECT", "SELECT FOR UPDATE", "INSERT", "UPDATE", "DELETE", "OTHER DDL")
WRITING = ("INSERT", "UPDATE", "DELETE", "OTHER DDL")


@pytest.fixture(scope="module")
def shop(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create() as database:
        with database.connect() as connection:
            connection.execute(SHOP.encode())
        yield database


@pytest.fixture
def copy(server: SandboxServer, shop: SandboxDatabase) -> Iterator[SandboxDatabase]:
    with server.clone(shop) as database:
        yield database


# statement, lock on orders, what is blocked, rewritten, scanned, indexes built of tables that were there
TRUTH = [
    ("CREATE INDEX i ON orders (amount)", "SHARE", WRITING, (), ("public.orders",), 1),
    ("CREATE INDEX CONCURRENTLY i ON orders (amount)", "SHARE UPDATE EXCLUSIVE", ("OTHER DDL",), (), None, 1),
    ("DROP INDEX orders_state", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("DROP INDEX CONCURRENTLY orders_state", "SHARE UPDATE EXCLUSIVE", ("OTHER DDL",), (), None, 0),
    ("REINDEX TABLE CONCURRENTLY orders", "SHARE UPDATE EXCLUSIVE", ("OTHER DDL",), (), None, 2),
    ("ALTER TABLE orders ALTER amount TYPE bigint", "ACCESS EXCLUSIVE", EVERYTHING, ("public.orders",), ("public.orders",), 2),
    ("ALTER TABLE orders ALTER state TYPE varchar", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD c int DEFAULT 5", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD c timestamptz DEFAULT now()", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD c uuid DEFAULT gen_random_uuid()", "ACCESS EXCLUSIVE", EVERYTHING, ("public.orders",), ("public.orders",), 2),
    ("ALTER TABLE orders ADD c int GENERATED ALWAYS AS (amount * 2) VIRTUAL", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD c int GENERATED ALWAYS AS (amount * 2) STORED", "ACCESS EXCLUSIVE", EVERYTHING, ("public.orders",), ("public.orders",), 2),
    ("ALTER TABLE orders ALTER amount SET NOT NULL", "ACCESS EXCLUSIVE", EVERYTHING, (), ("public.orders",), 0),
    ("ALTER TABLE orders ADD CONSTRAINT n NOT NULL amount NOT VALID", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD CHECK (amount > 0) NOT VALID", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("ALTER TABLE orders ADD CHECK (amount > 0)", "ACCESS EXCLUSIVE", EVERYTHING, (), ("public.orders",), 0),
    ("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID", "SHARE ROW EXCLUSIVE", WRITING, (), (), 0),
    ("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers", "SHARE ROW EXCLUSIVE", WRITING, (), ("public.customers", "public.orders"), 0),
    ("UPDATE orders SET amount = amount + 1", "ROW EXCLUSIVE", (), (), ("public.orders",), 0),
    ("ANALYZE orders", "SHARE UPDATE EXCLUSIVE", ("OTHER DDL",), (), (), 0),
    ("VACUUM FULL orders", "ACCESS EXCLUSIVE", EVERYTHING, ("public.orders",), None, 2),
    ("TRUNCATE orders", "ACCESS EXCLUSIVE", EVERYTHING, (), (), 0),
    ("COMMENT ON TABLE orders IS 'x'", "SHARE UPDATE EXCLUSIVE", ("OTHER DDL",), (), (), 0),
    ("LOCK TABLE orders IN EXCLUSIVE MODE", "EXCLUSIVE", ("SELECT FOR UPDATE", *WRITING), (), (), 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "mode", "blocks", "rewrites", "scans", "builds"), TRUTH, ids=[t[0][:60] for t in TRUTH]
)
def test_a_statement_does_what_the_manual_says(
    copy: SandboxDatabase,
    sql: str,
    mode: str,
    blocks: tuple[str, ...],
    rewrites: tuple[str, ...],
    scans: tuple[str, ...] | None,
    builds: int,
) -> None:
    run = run_script(copy, sql)
    assert run.ok, run.error
    (did,) = run.statements
    locks = [lock for lock in did.locks if lock.relation == "public.orders"]
    assert max(locks, key=lambda lock: lock.rank).mode == mode
    assert did.blocks == blocks
    assert did.rewrites == rewrites
    if scans is not None:
        assert tuple(sorted(did.scans)) == scans
    assert len([b for b in did.index_builds if b.existed_before and b.table == "public.orders"]) == builds


def only(run_statements: tuple[StatementRun, ...]) -> StatementRun:
    (found,) = run_statements
    return found


def test_a_valid_foreign_key_check_reads_both_tables_and_blocks_no_writer(copy: SandboxDatabase) -> None:
    assert run_script(
        copy, "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers NOT VALID"
    ).ok
    did = only(run_script(copy, "ALTER TABLE orders VALIDATE CONSTRAINT fk").statements)
    assert set(did.scans) == {"public.orders", "public.customers"}
    assert did.blocks == ("OTHER DDL",)
    assert did.blocked == {"public.orders": ("OTHER DDL",)}


def test_a_foreign_key_blocks_writers_of_both_tables(copy: SandboxDatabase) -> None:
    did = only(
        run_script(copy, "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID").statements
    )
    assert set(did.blocked) == {"public.orders", "public.customers"}


def test_a_check_that_proves_not_null_saves_the_scan(copy: SandboxDatabase) -> None:
    assert run_script(copy, "ALTER TABLE orders ADD CONSTRAINT c CHECK (amount IS NOT NULL)").ok
    did = only(run_script(copy, "ALTER TABLE orders ALTER amount SET NOT NULL").statements)
    assert did.scans == ()
    assert any("sufficient" in notice for notice in did.notices)


def test_a_rewrite_may_depend_on_the_time_zone(copy: SandboxDatabase) -> None:
    sql = "ALTER TABLE orders ALTER placed TYPE timestamptz"
    assert only(run_script(copy, sql).statements).rewrites == ()
    assert run_script(copy, "ALTER TABLE orders ALTER placed TYPE timestamp").ok
    away = run_script(copy, "SET timezone = 'America/New_York'; " + sql)
    assert away.statements[1].rewrites == ("public.orders",)


def test_what_a_migration_itself_made_is_told_apart(copy: SandboxDatabase) -> None:
    run = run_script(
        copy,
        "CREATE TABLE t (a int PRIMARY KEY); CREATE INDEX ON t (a); ALTER TABLE t ADD b uuid DEFAULT gen_random_uuid()",
    )
    assert run.ok
    for did in run.statements:
        assert not any(lock.existed_before for lock in did.locks)
        assert (did.blocks, did.rewrites, did.scans) == ((), (), ())
    assert [b.table for b in run.statements[0].index_builds] == ["public.t"]


def test_a_lock_is_held_until_the_end_of_the_transaction(copy: SandboxDatabase) -> None:
    first, second = run_script(copy, "ALTER TABLE orders ADD c int; UPDATE customers SET note = 'y'").statements
    assert first.blocked == {"public.orders": EVERYTHING}
    assert [lock.relation for lock in second.locks if lock.rank > 2] == []
    assert second.blocked == {"public.orders": EVERYTHING}
    assert ("public.orders", "ACCESS EXCLUSIVE") in [(lock.relation, lock.mode) for lock in second.held]


def test_statements_outside_a_transaction_let_go_of_their_locks(copy: SandboxDatabase) -> None:
    sql = "ALTER TABLE orders ADD c int; UPDATE customers SET note = 'y'; ALTER TABLE orders ADD d int"
    first, between, last = run_script(copy, sql, no_transaction=True).statements
    assert between.blocked == {}
    assert last.locks == first.locks, "taken anew"


def test_attaching_a_partition_reads_it_and_a_check_saves_that(copy: SandboxDatabase) -> None:
    attach = "ALTER TABLE visits ATTACH PARTITION visits_new FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')"
    did = only(run_script(copy, attach).statements)
    assert did.scans == ("public.visits_new",)
    assert did.blocked == {"public.visits": ("OTHER DDL",), "public.visits_new": EVERYTHING}
    assert run_script(copy, "ALTER TABLE visits DETACH PARTITION visits_new").ok
    proof = "ALTER TABLE visits_new ADD CHECK (day IS NOT NULL AND day >= '2021-01-01' AND day < '2022-01-01')"
    assert only(run_script(copy, proof).statements).ok
    assert only(run_script(copy, attach).statements).scans == ()


def test_refreshing_a_view_blocks_its_readers_unless_concurrently(copy: SandboxDatabase) -> None:
    assert "SELECT" in (only(run_script(copy, "REFRESH MATERIALIZED VIEW totals").statements).blocks or ())
    assert run_script(copy, "CREATE UNIQUE INDEX ON totals (customer_id)").ok
    assert only(run_script(copy, "REFRESH MATERIALIZED VIEW CONCURRENTLY totals").statements).blocks == ("OTHER DDL",)


def test_rows_are_counted_even_in_a_block(copy: SandboxDatabase) -> None:
    run = run_script(
        copy, "UPDATE orders SET state = 'old' WHERE id <= 7; DO $$ BEGIN DELETE FROM orders WHERE id > 40; END $$"
    )
    assert (run.statements[0].rows, run.statements[0].written) == (7, (("public.orders", 0, 7, 0),))
    assert (run.statements[1].rows, run.statements[1].written) == (None, (("public.orders", 0, 0, 10),))


def test_an_error_is_told_with_its_place_and_undoes_the_transaction(copy: SandboxDatabase) -> None:
    run = run_script(
        copy,
        "-- première\nALTER TABLE orders ADD c int;\n\nINSERT INTO orders (id,\n  nope) VALUES (1, 2);\nSELECT 1;",
        path="7_x.sql",
    )
    assert (run.ok, run.line, run.sqlstate) == (False, 5, "42703")
    assert run.error == '7_x.sql:5: column "nope" of relation "orders" does not exist'
    assert [did.ok for did in run.statements] == [True, False]
    assert (run.statements[1].line, run.statements[1].column) == (5, 3)
    with copy.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'c'"
        ).fetchone()
        assert row == (0,)


def test_an_enum_value_cannot_be_used_where_it_was_added(copy: SandboxDatabase) -> None:
    run = run_script(copy, "ALTER TYPE mood ADD VALUE 'glad';\nCREATE TABLE t (m mood DEFAULT 'glad');\n")
    assert (run.ok, run.sqlstate, run.line) == (False, "55P04", 2)
    assert run_script(
        copy, "ALTER TYPE mood ADD VALUE 'glad'; CREATE TABLE t (m mood DEFAULT 'glad')", no_transaction=True
    ).ok


def test_a_deferred_constraint_speaks_at_commit(copy: SandboxDatabase) -> None:
    assert run_script(
        copy,
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers DEFERRABLE INITIALLY DEFERRED",
    ).ok
    run = run_script(copy, "UPDATE orders SET customer_id = 999 WHERE id = 1")
    assert (run.ok, run.sqlstate) == (False, "23503")
    assert "at COMMIT" in run.error


def test_a_syntax_error_is_the_servers_own_and_nothing_runs(copy: SandboxDatabase) -> None:
    run = run_script(copy, "CREATE TABLE t ();\nALTER TABEL orders ADD c int;")
    assert (run.ok, run.sqlstate, run.line) == (False, "42601", 2)
    with copy.connect() as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_the_capture_script_runs_first_in_the_same_transaction(copy: SandboxDatabase) -> None:
    capture = "CREATE TABLE saved AS SELECT id, note, txid_current() AS tx FROM customers"
    run = run_script(
        copy, "CREATE TABLE t AS SELECT txid_current() AS tx; ALTER TABLE customers DROP note", capture_sql=capture
    )
    assert run.ok and len(run.statements) == 2 and run.capture_ms > 0
    with copy.connect() as connection:
        assert connection.execute("SELECT count(*) FROM saved JOIN t USING (tx)").fetchone() == (20,)
    undone = run_script(copy, "DROP TABLE nope", capture_sql="CREATE TABLE saved2 ()")
    assert not undone.ok
    with copy.connect() as connection:
        assert connection.execute("SELECT to_regclass('saved2')").fetchone() == (None,)
    broken = run_script(copy, "SELECT 1", capture_sql="SELECT nope")
    assert not broken.ok and "capture script failed" in broken.error


def test_a_long_statement_is_stopped(copy: SandboxDatabase) -> None:
    run = run_script(copy, "SELECT pg_sleep(600)", timeout=0.2)
    assert not run.ok and "stopped after" in run.error


def test_a_files_own_begin_and_commit_change_nothing(copy: SandboxDatabase) -> None:
    run = run_script(copy, "BEGIN; CREATE TABLE a (); CREATE TABLE b (); COMMIT;")
    assert run.ok and not run.notes
    assert [bool(did.skipped) for did in run.statements] == [True, False, False, True]


def test_a_commit_in_the_middle_is_told(copy: SandboxDatabase) -> None:
    run = run_script(copy, "CREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();\nSELECT nope;")
    assert not run.ok
    assert any("line 2: COMMIT ends the transaction" in note for note in run.notes)
    with copy.connect() as connection:
        assert connection.execute("SELECT to_regclass('a') IS NULL, to_regclass('b') IS NULL").fetchone() == (
            False,
            True,
        )


def test_a_file_may_choose_its_isolation_level(copy: SandboxDatabase) -> None:
    run = run_script(copy, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; ALTER TABLE orders ADD c int")
    assert run.ok, run.error
    assert run.statements[1].blocks == EVERYTHING


def test_evidence_has_one_record_a_statement(copy: SandboxDatabase) -> None:
    run = run_migration(
        copy, Migration("007", "x", Path("007_x.sql"), "CREATE INDEX i ON orders (amount); SELECT 1", "0")
    )
    records = evidence(run, start=3)
    assert [r.id for r in records] == ["E-0003", "E-0004"]
    assert records[0].server.startswith("PostgreSQL 1")
    assert "SHARE on public.orders" in records[0].summary and "builds i" in records[0].summary
    assert records[0].result["settings"] == {"TimeZone": "UTC", "search_path": '"$user", public'}


def test_an_untraced_run_does_the_same_work(copy: SandboxDatabase) -> None:
    run = run_script(
        copy, "CREATE TABLE t (); CREATE INDEX CONCURRENTLY i ON orders (amount); CREATE TABLE u ()", trace=False
    )
    assert run.ok, run.error
    assert [did.blocks for did in run.statements] == [None, None, None]


FAMILY = """
CREATE TABLE shops (id bigint PRIMARY KEY, name text);
CREATE TABLE sales (id bigint PRIMARY KEY, shop_id bigint REFERENCES shops, total int);
CREATE TABLE stock (id bigint PRIMARY KEY, shop_id bigint REFERENCES shops ON DELETE CASCADE, total int);
INSERT INTO shops VALUES (1, 'a'), (2, 'b'), (3, 'c');
"""


@pytest.mark.parametrize(
    ("sql", "waiting"),
    [
        ("ALTER TABLE shops ADD note text", {"public.shops": EVERYTHING, "public.sales": ("FOREIGN KEY WRITE",), "public.stock": ("FOREIGN KEY WRITE",)}),
        ("ALTER TABLE sales ADD note text", {"public.sales": EVERYTHING, "public.shops": ("FOREIGN KEY WRITE",)}),
        # the parent's DELETE only reads sales, but writes stock
        ("CREATE INDEX ON sales (total)", {"public.sales": WRITING}),
        ("CREATE INDEX ON stock (total)", {"public.stock": WRITING, "public.shops": ("FOREIGN KEY WRITE",)}),
        ("CREATE INDEX ON shops (name)", {"public.shops": WRITING}),
        ("VACUUM FULL shops", {"public.shops": EVERYTHING, "public.sales": ("FOREIGN KEY WRITE",), "public.stock": ("FOREIGN KEY WRITE",)}),
        ("CREATE INDEX CONCURRENTLY ON shops (name)", {"public.shops": ("OTHER DDL",)}),
    ],
)  # fmt: skip
def test_foreign_keys_carry_a_wait_to_other_tables(
    database: SandboxDatabase, sql: str, waiting: dict[str, tuple[str, ...]]
) -> None:
    with database.connect() as connection:
        connection.execute(FAMILY.encode())
    assert only(run_script(database, sql).statements).blocked == waiting


def test_what_is_told_of_foreign_keys_is_what_happens(database: SandboxDatabase) -> None:
    import psycopg

    with database.connect() as connection:
        connection.execute(FAMILY.encode())
    with database.connect() as migration, database.connect(lock_timeout="50ms") as other:
        migration.execute(b"BEGIN; CREATE INDEX ON stock (total)")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(b"DELETE FROM shops WHERE id = 1")
        migration.execute(b"ROLLBACK; BEGIN; CREATE INDEX ON shops (name)")
        other.execute(b"INSERT INTO sales VALUES (1, 1, 1)")
        migration.execute(b"ROLLBACK; BEGIN; ALTER TABLE shops ADD note text")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(b"INSERT INTO sales VALUES (2, 1, 1)")


def test_rows_written_stay_locked_until_the_end(copy: SandboxDatabase) -> None:
    first, second, third = run_script(
        copy,
        "UPDATE orders SET state = 'old' WHERE id <= 7; DELETE FROM orders WHERE id BETWEEN 6 AND 10;"
        " CREATE INDEX ON customers (note)",
    ).statements
    assert first.blocks == () and first.rows_locked == {"public.orders": 7}
    assert second.rows_locked == third.rows_locked == {"public.orders": 10}


def test_rows_of_a_table_that_is_locked_as_a_whole_are_not_waited_for(copy: SandboxDatabase) -> None:
    first, second = run_script(copy, "ALTER TABLE orders ADD c int; UPDATE orders SET c = 1").statements
    assert second.blocks == first.blocks == EVERYTHING and second.rows_locked == {}


@pytest.mark.parametrize("separately", [False, True])
def test_a_table_that_is_renamed_or_dropped_on_the_way_is_still_probed(copy: SandboxDatabase, separately: bool) -> None:
    sql = (
        "ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases ADD c int; DROP TABLE visits_new;"
        " DROP MATERIALIZED VIEW totals; DROP TABLE purchases"
    )
    run = run_script(copy, sql, no_transaction=separately)
    assert run.ok
    assert run.statements[1].blocked["public.orders"] == EVERYTHING
    assert all(did.blocks is not None for did in run.statements)


def test_what_the_probe_cannot_try_is_unknown(copy: SandboxDatabase) -> None:
    from agentdb.tools.sandbox import probe
    from agentdb.tools.sandbox.trace import Tracer

    with copy.connect() as migration, copy.connect() as prober:
        tracer = Tracer(migration)
        orders = next(oid for oid, relation in tracer.before.items() if relation.name == "orders")
        prober.execute(b"CREATE ROLE agentdb_probe_nobody")
        try:
            prober.execute(b"SET ROLE agentdb_probe_nobody")
            seen = probe.tried(prober, tracer.before, {orders: "ACCESS EXCLUSIVE"})
            assert not seen.known and not seen.blocked
            prober.execute(b"RESET ROLE")
        finally:
            migration.execute(b"DROP ROLE agentdb_probe_nobody")
        prober.close()
        assert not probe.tried(prober, tracer.before, {orders: "ACCESS EXCLUSIVE"}).known
