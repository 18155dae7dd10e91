"""From rates and sizes to a range; what cannot be reckoned is unknown. Times here are given, not taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.runs import Build, Lock, SandboxRun, StatementRun
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.sandbox.timing import timing, worked
from agentdb.tools.sandbox.timing.calibrate import Calibration, Sample, calibrate
from agentdb.tools.sandbox.timing.estimate import Hold, Range, estimate, moment, sentence, size, words
from agentdb.tools.sandbox.timing.volumes import Volume, read

ORDERS = "public.orders"
EXCLUSIVE = Lock(ORDERS, "ACCESS EXCLUSIVE", True)


def did(index: int, kind: str = "ALTER TABLE", **fields: object) -> StatementRun:
    return StatementRun(index, kind, f"{kind} orders", index + 1, True, ms=1.0, **fields)  # type: ignore[arg-type]


def ran(*statements: StatementRun) -> SandboxRun:
    return SandboxRun(True, statements)


def timed(small: float, large: float, *, rows: int = 50_000, index: int = 0, told: int = 0) -> Calibration:
    """A statement that took so many ms at the two sizes; rows of 100 bytes."""
    volumes = [{ORDERS: Volume(n, n * 100)} for n in (rows // 10, rows)]
    tellings = {index: told} if told else {}
    return Calibration(Sample({index: small}, volumes[0], tellings), (Sample({index: large}, volumes[1], tellings),))


def known(seconds: Range | None) -> Range:
    assert seconds is not None
    return seconds


REWRITE = did(0, locks=(EXCLUSIVE,), rewrites=(ORDERS,))


def test_time_grows_with_the_rows_and_the_truth_of_a_steady_rate_is_inside() -> None:
    ranges = []
    for rows in (100_000, 1_000_000, 10_000_000):
        found = estimate(ran(REWRITE), timed(55, 505), {ORDERS: Volume(rows, rows * 100)})
        low, high = known(found.holds[0].seconds)
        assert low < 0.005 + rows / 100_000 < high, "100,000 rows/s, and 5 ms in any case"
        ranges.append((low, high))
    assert ranges[0][1] < ranges[1][1] < ranges[2][1] and ranges[0][0] < ranges[1][0] < ranges[2][0]
    assert "100 k rows/s measured on 50,000" in found.holds[0].basis


def test_wider_rows_take_longer_and_never_less() -> None:
    same = known(estimate(ran(REWRITE), timed(55, 505), {ORDERS: Volume(10**6, 10**8)}).works[0].seconds)
    wide = known(estimate(ran(REWRITE), timed(55, 505), {ORDERS: Volume(10**6, 4 * 10**8)}).works[0].seconds)
    narrow = known(estimate(ran(REWRITE), timed(55, 505), {ORDERS: Volume(10**6, 10**8 // 4)}).works[0].seconds)
    assert wide[0] == same[0] and wide[1] > 3 * same[1]
    assert narrow[1] == same[1] and narrow[0] < same[0]


def test_what_joins_or_sorts_may_grow_faster_than_its_rows() -> None:
    volumes = {ORDERS: Volume(10**7, 10**8)}
    plain = known(estimate(ran(did(0, scans=(ORDERS,))), timed(55, 505), volumes).works[0].seconds)
    both = did(0, scans=(ORDERS, "public.customers"))
    other = volumes | {"public.customers": Volume(0, 0)}
    built = did(0, index_builds=(Build("i", ORDERS, True),))
    for statement in (both, built):
        found = known(estimate(ran(statement), timed(55, 505), other).works[0].seconds)
        assert found[0] == plain[0] and found[1] > 1.3 * plain[1]


def test_rows_changed_under_large_indexes_may_take_longer() -> None:
    update = did(0, "UPDATE", written=((ORDERS, 0, 10, 0),), locks=(Lock(ORDERS, "ROW EXCLUSIVE", True),))
    small = estimate(ran(update), timed(50, 500, told=50_000), {ORDERS: Volume(10**6, 10**8)}).works[0]
    large = estimate(ran(update), timed(50, 500, told=50_000), {ORDERS: Volume(10**6, 10**8, 10**9)}).works[0]
    assert known(large.seconds)[1] > 3 * known(small.seconds)[1]


@pytest.mark.parametrize(
    ("calibration", "volumes", "why"),
    [
        (timed(55, 505), {ORDERS: Volume(None, 10**9)}, "run ANALYZE"),
        (timed(55, 505), {}, "size of orders on the target is not known"),
        (Calibration(problem="no 50,000 rows can be made"), {ORDERS: Volume(10**6, 10**8)}, "no 50,000 rows"),
        (timed(100, 9_000), {ORDERS: Volume(10**6, 10**8)}, "grows faster than the rows"),
        (timed(1, 1, index=7), {ORDERS: Volume(10**6, 10**8)}, "not measured on more rows"),
    ],
)
def test_what_cannot_be_reckoned_is_unknown(calibration: Calibration, volumes: dict[str, Volume], why: str) -> None:
    found = estimate(ran(REWRITE), calibration, volumes)
    assert found.works[0].seconds is None and found.holds[0].seconds is None
    assert why in found.holds[0].why and "UNKNOWN" in found.holds[0].sentence


def test_a_lock_is_held_until_the_transaction_ends() -> None:
    quick = did(0, locks=(EXCLUSIVE,))
    scan = did(1, scans=(ORDERS,))
    run, volumes = ran(quick, scan), {ORDERS: Volume(10**7, 10**9, writes_per_second=50.0)}
    together = estimate(run, timed(50, 500, index=1), volumes)
    assert together.holds[0].index == 0
    assert known(together.holds[0].seconds)[1] > known(together.works[1].seconds)[1]
    assert known(together.holds[0].waiting) == pytest.approx([50 * s for s in known(together.holds[0].seconds)])
    alone = estimate(run, timed(50, 500, index=1), volumes, alone=True)
    assert known(alone.holds[0].seconds)[1] < 0.1
    unknown = estimate(run, Calibration(problem="why not"), volumes)
    assert unknown.holds[0].seconds is None and unknown.holds[0].why == "why not"


def test_rows_that_a_condition_picks_are_not_known() -> None:
    update = replace(did(0, "UPDATE", written=((ORDERS, 0, 10, 0),), locks=(Lock(ORDERS, "ROW EXCLUSIVE", True),)))
    some = replace(update, text="UPDATE orders SET a = 1\nWHERE b")
    volumes = {ORDERS: Volume(10**6, 10**8)}
    every = known(estimate(ran(update), timed(50, 500, told=50_000), volumes).works[0].seconds)
    picked = known(estimate(ran(some), timed(50, 500, told=25_000), volumes).works[0].seconds)
    assert picked[0] < every[0] and picked[1] > every[1]
    none = estimate(ran(some), timed(50, 500), volumes).works[0]
    assert none.seconds is None and "picked no row" in none.why
    assert estimate(ran(update), timed(50, 500), volumes).holds == (), "ROW EXCLUSIVE keeps no writer out"


def test_words_say_no_more_than_an_estimate_can() -> None:
    assert words((0.01, 0.5)) == "less than 1 s"
    assert words((41.2, 243)) == "about 41 s to 4 min"
    assert words((1.0, 1.04)) == "about 1 s"
    assert [moment(v) for v in (0.0123, 5.55, 99, 100, 5400)] == ["12 ms", "5.5 s", "99 s", "1.7 min", "1.5 h"]
    assert [size(v) for v in (3_100_000_000, 45_678, 12)] == ["3.1 GB", "45.7 kB", "12 bytes"]
    hold = Hold(0, 1, ORDERS, "ACCESS EXCLUSIVE", (40.0, 240.0), basis="12.4 M rows, 3.1 GB", waiting=(400, 2400))
    assert sentence(hold) == (
        "On the target it holds ACCESS EXCLUSIVE on orders for about 40 s to 4 min (12.4 M rows, 3.1 GB)."
        " Some 400 to 2400 row changes come in that time."
    )


SHOP = """
CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, amount int);
CREATE TABLE visits (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE fresh (id int);
"""


def test_sizes_come_from_the_catalog(database: SandboxDatabase) -> None:
    names = ["public.orders", "public.visits", "public.fresh", "public.customers", "public.nope"]
    with database.connect() as connection, database.connect() as other:
        connection.execute(SHOP.encode())
        connection.execute(b"INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 1000) i")
        connection.execute(b"INSERT INTO visits SELECT i, '2020-05-05' FROM generate_series(1, 500) i")
        connection.execute(b"ANALYZE customers; ANALYZE visits")
        connection.execute(b"INSERT INTO customers (email) SELECT 'd' || i FROM generate_series(1, 1000) i")
        connection.execute(b"INSERT INTO fresh VALUES (1)")
        found = read(connection, names)
        assert set(found) == set(names[:4])
        assert 1700 <= (found["public.customers"].rows or 0) <= 2300, "reckoned from the pages there are now"
        assert found["public.visits"].rows == 500, "the sum of its leaves"
        assert found["public.orders"].rows == 0, "empty, which needs no ANALYZE"
        assert found["public.fresh"].rows is None
        assert found["public.customers"].index_bytes > 0
        other.execute(b"BEGIN; LOCK TABLE fresh IN ACCESS EXCLUSIVE MODE")
        connection.execute(b"SET lock_timeout = '50ms'")
        assert set(read(connection, names)) == {*names[:4]} - {"public.fresh"}


@pytest.mark.slow
def test_a_migration_is_timed_on_rows_of_its_own_tables(server: SandboxServer, database: SandboxDatabase) -> None:
    sql = "ALTER TABLE orders ADD note text; ALTER TABLE orders ALTER amount TYPE bigint"
    with server.create("target") as target:
        with target.connect() as connection:
            connection.execute(SHOP.encode())
            connection.execute(b"INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 100) i")
            connection.execute(b"INSERT INTO orders (customer_id) SELECT 1 + i % 100 FROM generate_series(1, 9000) i")
            connection.execute(b"ANALYZE orders")
        with database.connect() as connection:
            connection.execute(SHOP.encode())
            seed(connection, rows=12)
        with server.clone(database) as copy:
            run = run_script(copy, sql)
        assert [worked(s) for s in run.statements] == [(), (ORDERS,)]
        found = timing(server, database, lambda db: run_script(db, sql, trace=False), run, target.dsn)
    (hold,) = found.holds
    assert (hold.relation, hold.mode, hold.index) == (ORDERS, "ACCESS EXCLUSIVE", 0)
    low, high = known(hold.seconds)
    assert 0 < low < high
    assert found.works[1].measured_rows == 9000 and found.works[1].rows == 9000


def test_rows_that_cannot_be_made_are_a_reason(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute(b"CREATE TABLE flags (on_off boolean PRIMARY KEY); INSERT INTO flags VALUES (true)")
    run = ran(did(0, rewrites=("public.flags",)))
    found = calibrate(server, database, lambda db: run, run, large=2000)
    assert "no 200 rows can be made in public.flags" in found.problem
