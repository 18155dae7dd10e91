"""Throw-away databases on a sandbox server: made, copied, dropped, and swept when their process is gone."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import secrets
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ...errors import AgentdbError, SandboxError
from ..databases.dsn import Dsn
from ..sql.quote import ident, literal
from . import processes
from .roles import Roles

if TYPE_CHECKING:
    from psycopg import ConnectionInfo

    from ..databases.postgres import Connection

# agentdb_sb_<place>_<pid>_<start>_<number><random>: says whose it is without asking anything but the system
PREFIX = "agentdb_sb_"
KEPT = "agentdb_kept_"
NAME = re.compile(r"agentdb_sb_([0-9a-f]{6})_(\d+)_([0-9a-z]+)_[0-9a-z]+")
ALONE_SECONDS = 5.0

_numbers = itertools.count(1)


class SandboxDatabase:
    """One throw-away database. As a context manager it is dropped at the end.

    roles: those of the target that the database stands in for, None when they are not known.
    """

    def __init__(self, administration: Administration, name: str) -> None:
        self._administration = administration
        self.name = name
        self.dsn: Dsn = administration.dsn.with_database(name)
        self.kept = False
        self.roles: frozenset[str] | None = None

    @property
    def server_text(self) -> str:
        """The server and its version in words: "PostgreSQL 18.6"."""
        return self._administration.server_text

    def connect(self, **options: str) -> Connection:
        """An open connection in autocommit mode; `options` are server settings for the session."""
        from ..databases.postgres import connect

        return connect(self.dsn, application_name="agentdb sandbox", options=options)

    def drop(self) -> None:
        """Drop the database, and end the sessions in it; does nothing when it is gone or kept."""
        if not self.kept:
            self._administration.drop(self.name)

    def keep(self) -> None:
        """Rename it so that neither this process nor a later sweep drops it. No session may be open in it."""
        name = f"{KEPT}{time.strftime('%Y%m%d_%H%M%S')}_{secrets.token_hex(2)}"
        self._administration.wait_until_alone(self.name)
        self._administration.rename(self.name, name)
        self.name, self.kept = name, True
        self.dsn = self._administration.dsn.with_database(name)

    def ensure_role(self, name: str) -> bool:
        """True when the role was missing and was made on the server, bare, until the sandbox is closed."""
        return self._administration.roles.ensure(name)

    def adopt_role(self, name: str) -> None:
        """Have a role that something else made dropped when the sandbox is closed."""
        self._administration.roles.adopt(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def __repr__(self) -> str:
        return f"SandboxDatabase({self.name})"


class Administration:
    """The one connection that makes and drops databases on a sandbox server; safe to use from several threads."""

    def __init__(self, dsn: Dsn) -> None:
        self.dsn = dsn
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._made: set[str] = set()
        self.roles = Roles(self.execute)

    @property
    def server_text(self) -> str:
        """The server and its version in words."""
        return f"PostgreSQL {self._info().parameter_status('server_version')}"

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement. A lost connection is opened again once. Errors: SandboxError, DatabaseError."""
        import psycopg

        from ..databases.postgres import connect

        with self._lock:
            for again in (True, False):
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self.dsn, application_name="agentdb sandbox administration")
                try:
                    cursor = self._connection.execute(query.encode(), values or None)
                    return cursor.fetchall() if cursor.description else []
                except psycopg.OperationalError as error:
                    if not (self._connection.closed and again):
                        raise SandboxError(_line(error), hint=_hint(error)) from None
                except psycopg.Error as error:
                    raise SandboxError(_line(error), hint=_hint(error)) from None
            raise AssertionError("unreachable")

    def create(self, template: str = "template0", settings_of: str = "") -> SandboxDatabase:
        """A new database that is a copy of `template`, with the settings that ALTER DATABASE gave to `settings_of`.

        Source: manual, CREATE DATABASE (STRATEGY FILE_COPY: measured fastest for small databases;
        ALTER DATABASE ... SET is not copied with a template).
        """
        name = f"{PREFIX}{processes.place()}_{os.getpid()}_{processes.started(os.getpid())}_{next(_numbers)}x{secrets.token_hex(3)}"
        strategy = " STRATEGY FILE_COPY" if self._info().server_version >= 150000 else ""
        with self._lock:
            self._made.add(name)
            self.execute(f"CREATE DATABASE {ident(name)} TEMPLATE {ident(template)}{strategy}")
            if settings_of:
                for key, value in self._settings(settings_of):
                    self.execute(f"ALTER DATABASE {ident(name)} SET {ident(key)} TO {value}")
        return SandboxDatabase(self, name)

    def drop(self, name: str) -> None:
        """Drop a database that this object made; one that it did not make is left alone, with an error."""
        if name not in self._made:
            if NAME.fullmatch(name):
                return  # dropped before
            raise SandboxError(f"{name} was not made by this sandbox and is not dropped")
        self.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")
        self._made.discard(name)

    def rename(self, name: str, new: str) -> None:
        """Rename a database that this object made; from then on it does not drop it."""
        self.execute(f"ALTER DATABASE {ident(name)} RENAME TO {ident(new)}")
        self._made.discard(name)

    def wait_until_alone(self, name: str) -> None:
        """Return when no session is left in the database: a closed connection's backend takes a moment to go.

        Errors: SandboxError after five seconds, naming who is still there.
        """
        deadline = time.monotonic() + ALONE_SECONDS
        pause = 0.001
        while there := self.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
            (name,),
        ):
            if time.monotonic() > deadline:
                who = ", ".join(f"{app or 'unnamed'} (pid {pid})" for pid, app in there)
                raise SandboxError(f"{name} cannot be copied or renamed while sessions are open in it: {who}")
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def sweep(self) -> tuple[str, ...]:
        """The names of the databases that were dropped since the process that made them is gone.

        Only databases of this login whose name agentdb gave, and only those of this machine and boot.
        """
        swept = []
        rows = self.execute(
            "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname LIKE %s AND r.rolname = current_user",
            (PREFIX.replace("_", r"\_") + "%",),
        )
        for (name,) in rows:
            found = NAME.fullmatch(name)
            if not found or found[1] != processes.place() or processes.started(int(found[2])) == found[3]:
                continue
            with contextlib.suppress(AgentdbError):  # another process may sweep it at this very moment
                self.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")
                swept.append(name)
        self.roles.sweep()
        return tuple(swept)

    def close(self) -> None:
        """Drop what is left of this object's databases and close the connection."""
        with self._lock:
            for name in tuple(self._made):
                with contextlib.suppress(AgentdbError):
                    self.drop(name)
            with contextlib.suppress(AgentdbError):
                self.roles.drop_made()
            if self._connection is not None and not self._connection.closed:
                self._connection.close()

    def _info(self) -> ConnectionInfo:
        with self._lock:
            if self._connection is None or self._connection.closed:
                self.execute("SELECT 1")
            assert self._connection is not None
            return self._connection.info

    def _settings(self, database: str) -> list[tuple[str, str]]:
        rows = self.execute(
            "SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE s.setrole = 0 AND d.datname = %s",
            (database,),
        )
        return [setting(*row[0].split("=", 1)) for row in rows]


def setting(key: str, value: str) -> tuple[str, str]:
    """A setting and its value as SQL for ALTER DATABASE ... SET; a list of names stays a list.

    Source: src/include/catalog/pg_proc.h keeps such lists as GUC_LIST_QUOTE, whose stored text is already quoted.
    """
    lists = ("search_path", "local_preload_libraries", "session_preload_libraries", "temp_tablespaces")
    return key, value if key in lists and value else literal(value)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _hint(error: Any) -> str:
    codes: Mapping[str, str] = {
        "42501": "The sandbox login needs CREATEDB: ALTER ROLE ... CREATEDB.",
        "53300": "Too many sessions are open on the sandbox server.",
        "53100": "The disk of the sandbox server is full.",
    }
    return codes.get(getattr(error, "sqlstate", None) or "", "")
