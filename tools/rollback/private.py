"""A database that somebody else made for us in the state before a migration, used as the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..databases.dsn import Dsn
from ..sandbox.databases import SandboxDatabase
from ..sandbox.server import SandboxServer


class _Given(SandboxDatabase):
    """A database that is not ours to drop."""

    def drop(self) -> None:
        return None


@contextmanager
def private_database(dsn: Dsn) -> Iterator[tuple[SandboxServer, SandboxDatabase]]:
    """The server and the database of a connection string; the caller says that both are private to it.

    Copies are made beside it where they are needed, and dropped; the login must be allowed to make databases.
    Errors: SandboxError, DatabaseError.
    """
    name = str(dsn.parts().get("dbname") or dsn.parts().get("user") or "")
    server = SandboxServer(dsn.with_database("postgres"), embedded=False)
    try:
        yield server, _Given(server.administration, name)
    finally:
        server.close()
