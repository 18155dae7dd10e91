"""A database that holds every kind of object, made once a process; tests change it in transactions they take back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse

EVERY_KIND = Path(__file__).with_name("every_kind.sql")
ROLES = ("kind_owner", "kind_reader", '"kind Writer"', "kind_poor")


def run(conn: Connection, sql: str) -> None:
    """Every statement of the script, one a message; a BEGIN ATOMIC body is one statement."""
    for parsed in parse(sql).statements:
        conn.execute(parsed.statement.text.encode())


@pytest.fixture(scope="session")
def roles(server: SandboxServer) -> None:
    """The roles that the script names. They belong to the server, which other processes use too."""
    with server.create() as made, made.connect(client_min_messages="warning") as conn:
        for role in ROLES:
            conn.execute(
                f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$".encode()
            )


@pytest.fixture(scope="session")
def every_kind(server: SandboxServer, roles: None) -> Iterator[SandboxDatabase]:
    """The database with every kind of object. Nobody changes it for good."""
    with server.create() as made:
        with made.connect(client_min_messages="error") as conn:
            run(conn, EVERY_KIND.read_text())
        yield made


@pytest.fixture(scope="session")
def kinds(every_kind: SandboxDatabase) -> Iterator[Connection]:
    """A session in it."""
    with every_kind.connect(client_min_messages="error") as conn:
        yield conn


@pytest.fixture(scope="session")
def all_kinds(kinds: Connection) -> Snapshot:
    """Its snapshot."""
    return read_snapshot(kinds)


@pytest.fixture
def changed(kinds: Connection) -> Callable[[str], Snapshot]:
    """The schema as a script makes it, seen from within a transaction that is taken back."""

    def made(sql: str) -> Snapshot:
        with kinds.transaction(force_rollback=True):
            run(kinds, sql)
            return read_snapshot(kinds)

    return made


@pytest.fixture(scope="session")
def scratch(server: SandboxServer) -> Iterator[Connection]:
    """A session in an empty database; tests take back what they do."""
    with server.create() as made, made.connect(client_min_messages="error") as conn:
        yield conn


@pytest.fixture
def schema_of(scratch: Connection) -> Iterator[Callable[[str], Snapshot]]:
    """The schema as a script makes it; the next call goes on where the last one ended, the test's end undoes all."""

    def made(sql: str) -> Snapshot:
        run(scratch, sql)
        return read_snapshot(scratch)

    with scratch.transaction(force_rollback=True):
        yield made
