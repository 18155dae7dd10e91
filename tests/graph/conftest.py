"""A production server that is not the sandbox's, and a shop whose thread waits at the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.own_server import own_server
from support.recorder import Recorder
from support.shop import Shop, fill

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer


@pytest.fixture(scope="session")
def production_server(server: SandboxServer) -> Iterator[SandboxServer]:
    """A PostgreSQL that stands for production; the sandbox's server keeps running beside it."""
    with own_server({}) as made:
        yield made


@pytest.fixture
def production(production_server: SandboxServer) -> Iterator[SandboxDatabase]:
    """A production database with customers and orders in it."""
    with production_server.create() as made:
        fill(made)
        yield made


@pytest.fixture
def shop(tmp_path: Path, production: SandboxDatabase) -> Shop:
    """A project with two harmless migrations pending for production."""
    return Shop.make(tmp_path / "shop", production.dsn)


@pytest.fixture
def recorder(production: SandboxDatabase) -> Iterator[Recorder]:
    """A relay before production that keeps every statement."""
    made = Recorder(production.dsn)
    yield made
    made.close()
