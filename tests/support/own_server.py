"""A PostgreSQL of a test's own, for what concerns a whole server: settings, limits, replication, other people's sessions."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.databases.postgres import Connection
from agentdb.tools.sandbox import embedded, places, software
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server

# Small, and not durable; all else is what a server in production has by default.
BASE = {"listen_addresses": "", "fsync": "off", "io_method": "sync", "shared_buffers": "32MB", "timezone": "UTC"}


@contextlib.contextmanager
def own_server(
    settings: Mapping[str, str], prepare: Callable[[Path, Callable[..., None]], None] | None = None
) -> Iterator[SandboxServer]:
    """A server that is made, started and thrown away here.

    prepare: gets the stopped data directory and a function that runs one of PostgreSQL's programs on it.
    """
    home, user = Path(tempfile.mkdtemp(prefix="agentdb-own-")), software.runner()
    home.chmod(0o755)
    data, sockets = home / "data", home / "run"
    for folder in (data, sockets):
        folder.mkdir(mode=0o700)
        user.own(folder)

    def run(name: str, *arguments: str) -> None:
        done = software.run(program(name), ["-D", str(data), *arguments], user=user)
        assert done.returncode == 0, done.stderr + done.stdout

    try:
        run(
            "initdb",
            "-U",
            "postgres",
            "--auth=trust",
            "--no-instructions",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        )
        chosen = {**BASE, **settings, "unix_socket_directories": str(sockets)}
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{k} = '{v}'\n" for k, v in chosen.items())
        if prepare:
            prepare(data, run)
        run("pg_ctl", "start", "-w", "-s", "-t", "60", "-l", str(sockets / "log"))
        try:
            with sandbox_server(server_dsn=Dsn(f"host={sockets} user=postgres dbname=postgres")) as found:
                yield found
        finally:
            run("pg_ctl", "stop", "-s", "-m", "immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def program(name: str) -> Path:
    """One of PostgreSQL's programs, where the unprivileged user can run it."""
    home = places.default_home("tests")
    with embedded.using(home):
        return software.install(home) / name


def until(conn: Connection, sql: str, *values: Any) -> Any:
    """The first value that the query gives, asked again until there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        row = conn.execute(sql.encode(), values).fetchone()
        if row:
            return row[0]
    raise AssertionError(f"never came: {sql}")
