"""The server that all tests share: an embedded PostgreSQL, or the one that AGENTDB_TEST_DSN names.

Every pytest process on the machine works on one server in a home of its own under the user's cache; database names
are unique. Whoever finishes last stops it; a server that a killed run left behind is used by the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from agentdb.errors import RefusedError
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.sandbox import places
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server, stop_embedded

HOME = places.default_home("tests")


def _open() -> tuple[Dsn | None, str]:
    url = os.environ.get("AGENTDB_TEST_DSN", "")
    return (Dsn(url), "AGENTDB_TEST_DSN") if url else (None, "embedded")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew; read the diff in review"
    )


def pytest_report_header() -> str:
    dsn, source = _open()
    with sandbox_server(server_dsn=dsn, data_dir=HOME) as found:
        return f"sandbox: {found.version_text} ({source})"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and not os.environ.get("AGENTDB_TEST_DSN"):
        try:
            stop_embedded(HOME)
        except RefusedError:
            pass  # another pytest still works with it


@pytest.fixture(scope="session")
def server() -> Iterator[SandboxServer]:
    """A PostgreSQL server to make databases on."""
    with sandbox_server(server_dsn=_open()[0], data_dir=HOME) as found:
        yield found


@pytest.fixture
def database(server: SandboxServer) -> Iterator[SandboxDatabase]:
    """A fresh, empty database of the test's own."""
    with server.create() as made:
        yield made
