"""The PostgreSQL server that migrations are tried on: the one agentdb brings along, or the user's own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import DatabaseError, RefusedError, SandboxError
from ..databases.dsn import Dsn
from . import embedded, places
from .databases import Administration, SandboxDatabase

OLDEST = 140000  # server_version_num; older servers lack what the traces read


class SandboxServer:
    """A server on which databases may be made and dropped at will.

    dsn: its administrative database. version: like 180006. embedded: it is the server that agentdb brings along.
    """

    def __init__(self, dsn: Dsn, *, embedded: bool) -> None:
        self.dsn = dsn
        self.embedded = embedded
        self._administration = Administration(dsn)
        number, text, may_create = self._administration.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'), rolcreatedb OR rolsuper"
            " FROM pg_roles WHERE rolname = current_user"
        )[0]
        self.version: int = number
        self.version_text = f"PostgreSQL {text}"
        if number >= OLDEST and may_create:
            return
        self.close()
        if number < OLDEST:
            raise SandboxError(
                f"the sandbox needs PostgreSQL {OLDEST // 10000} or newer, this is {text}", where=str(dsn)
            )
        raise SandboxError(
            "the sandbox's login may not make databases",
            where=str(dsn),
            hint="ALTER ROLE ... CREATEDB, as a superuser.",
        )

    @property
    def administration(self) -> Administration:
        """What makes and drops databases here, for a database that somebody else made."""
        return self._administration

    def create(self, name: str = "") -> SandboxDatabase:
        """A new empty database (a copy of template0). `name` is for the reader of messages only."""
        return self._administration.create()

    def clone(self, database: SandboxDatabase) -> SandboxDatabase:
        """A copy of a database, rows and all. No connection may be open in the original.

        Errors: SandboxError when a session in it does not end within seconds.
        """
        self._administration.wait_until_alone(database.name)
        copy = self._administration.create(database.name, settings_of=database.name)
        copy.roles = database.roles
        return copy

    def sweep(self) -> tuple[str, ...]:
        """The databases that were dropped because the process that made them is gone."""
        return self._administration.sweep()

    def execute(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """The rows of one statement in the administrative database (for roles, which belong to no database)."""
        return self._administration.execute(query, values)

    def close(self) -> None:
        """Close the administrative connection; the server goes on."""
        self._administration.close()


@contextlib.contextmanager
def sandbox_server(
    *, server_dsn: Dsn | None = None, forbidden: Sequence[Dsn] = (), data_dir: Path | None = None
) -> Iterator[SandboxServer]:
    """A sandbox server: `server_dsn`, or the embedded one, started when it does not run.

    forbidden: the configured targets; a server that is one of theirs is refused. data_dir: the embedded server's
    home (default: the user's cache directory). Databases of dead processes are dropped first.
    Errors: RefusedError("sandbox-is-target"), SandboxError, DatabaseError.
    """
    with contextlib.ExitStack() as held:
        if server_dsn is None:
            dsn = held.enter_context(embedded.using(data_dir or places.default_home()))
            refuse_targets(dsn, forbidden, ask=False)
        else:
            dsn = server_dsn
            refuse_targets(dsn, forbidden)
        server = SandboxServer(dsn, embedded=server_dsn is None)
        held.callback(server.close)
        server.sweep()
        yield server


def stop_embedded(data_dir: Path | None = None, *, force: bool = False, remove: bool = False) -> bool:
    """True when the embedded server was running and is stopped now. Errors: RefusedError("in-use")."""
    return embedded.stop(data_dir or places.default_home(), force=force, remove=remove)


def status(data_dir: Path | None = None) -> embedded.Status:
    """Whether there is an embedded server, runs, and is in use; starts nothing."""
    return embedded.status(data_dir or places.default_home())


def refuse_targets(dsn: Dsn, forbidden: Sequence[Dsn], *, ask: bool = True) -> None:
    """Raise RefusedError when the server is that of a target: same host and port, or same system identifier.

    ask: also connect to the targets and compare what pg_control_system() says; an unreachable one is
    judged by its address alone.
    """
    if not forbidden:
        return
    places = addresses(dsn)
    identifier = _system_identifier(dsn) if ask else ""
    for target in forbidden:
        same = bool(places & addresses(target))
        if not same and ask and identifier:
            with contextlib.suppress(DatabaseError):
                same = _system_identifier(target) == identifier
        if same:
            raise RefusedError(
                "the sandbox server is the server of a target; nothing was done",
                reason="sandbox-is-target",
                where=str(target),
                hint="Give the sandbox a server of its own, or remove sandbox.server_dsn_env to use the embedded one.",
            )


def addresses(dsn: Dsn) -> frozenset[tuple[str, str]]:
    """Each (address, port) that the connection string may lead to; a local socket is its directory.

    Every host of a list is counted, names are resolved, and this machine's loopback addresses are one.
    Source: manual, "Connection Strings" (several hosts, one or as many ports, default directory of sockets).
    """
    parts = dsn.parts()
    hosts = str(parts.get("hostaddr") or parts.get("host") or "").split(",")
    ports = str(parts.get("port") or "").split(",")
    found: set[tuple[str, str]] = set()
    for number, host in enumerate(hosts):
        port = (ports[number] if len(ports) == len(hosts) else ports[0]) or "5432"
        if not host:
            found |= {(folder, port) for folder in ("/tmp", "/var/run/postgresql", "/run/postgresql")}
        elif host.startswith(("/", "@")):
            found.add((str(Path(host).resolve()) if host.startswith("/") else host, port))
        else:
            found |= {(address, port) for address in _resolved(host)}
    return frozenset(found)


def _resolved(host: str) -> set[str]:
    names = {host.lower()}
    with contextlib.suppress(OSError, UnicodeError):
        names |= {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    return {"localhost" if n in ("::1", "localhost") or n.startswith("127.") else n for n in names}


def _system_identifier(dsn: Dsn) -> str:
    from ..databases.postgres import connect, target_identity

    with connect(dsn, connect_timeout=5) as connection:
        import psycopg

        try:
            return target_identity(connection)["system_identifier"]
        except psycopg.Error:
            return ""
