"""Servers of these tests' own: health looks at a whole server, so nobody else may work on it meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.own_server import own_server, until

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.health.report import health
from agentdb.tools.health.result import CheckResult
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

# autovacuum is on, as in production, but does not come by itself within a test
SETTINGS = {
    "autovacuum_naptime": "1d",
    "max_connections": "30",
    "max_prepared_transactions": "5",
    "wal_level": "logical",
    "shared_preload_libraries": "pg_stat_statements",
}


@pytest.fixture(scope="session")
def production() -> Iterator[SandboxServer]:
    """A server with production's default settings that nobody else uses."""
    with own_server(SETTINGS) as found:
        yield found


@pytest.fixture
def database(production: SandboxServer) -> Iterator[SandboxDatabase]:
    """A fresh, empty database on it (instead of the one on the shared sandbox server)."""
    with production.create() as made:
        yield made


@pytest.fixture
def conn(database: SandboxDatabase) -> Iterator[Connection]:
    """A session that puts the database into the state to be found."""
    with database.connect() as made:
        yield made


@pytest.fixture
def ask(database: SandboxDatabase) -> Iterator[Callable[..., CheckResult]]:
    """ask("long-transactions", warn_seconds=0) -> that check's result, asked on a session of its own."""
    with database.connect() as made:

        def asked(name: str, *, ledger_rows: Any = None, **limits: float) -> CheckResult:
            return health(made, only=[name], limits={name: limits}, ledger_rows=ledger_rows).checks[0]

        yield asked


@pytest.fixture(scope="session")
def lone_role(production: SandboxServer) -> str:
    """A role that may log in and nothing else."""
    production.execute("CREATE ROLE lone LOGIN")
    return "lone"


@pytest.fixture
def session(database: SandboxDatabase) -> Iterator[Callable[[], Connection]]:
    """session() -> one more open session in the database; all are closed at the end."""
    with contextlib.ExitStack() as held:
        yield lambda: held.enter_context(contextlib.closing(database.connect()))


@pytest.fixture
def waiting(conn: Connection) -> Callable[[Connection, str], int]:
    """waiting(session, sql) -> its process id, once the statement it was given waits for a lock."""

    def begun(made: Connection, sql: str) -> int:
        made.pgconn.send_query(sql.encode())
        return int(until(conn, "SELECT pid FROM pg_locks WHERE NOT granted AND pid = %s", made.info.backend_pid))

    return begun
