"""A PostgreSQL that asks for a password, on a loopback port: for what happens when it is wrong."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentdb.tools.sandbox import software


@contextlib.contextmanager
def locked_server(password: str) -> Iterator[tuple[str, int]]:
    """(host, port) of a running server whose only user is "owner"."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        user, programs = software.runner(), software.install(home)
        for part in ("data", "run"):
            (home / part).mkdir(mode=0o700)
            user.own(home / part)
        secret, log = home / "secret", home / "log"
        for path, text in ((secret, password), (log, "")):
            path.write_text(text)
            user.own(path)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        made = software.run(
            programs / "initdb",
            ["-D", f"{home}/data", "-U", "owner", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"],
            user=user,
        )
        assert made.returncode == 0, made.stderr
        options = f"-h 127.0.0.1 -p {port} -k {home}/run -c fsync=off"
        control = ["-D", f"{home}/data", "-w", "-s", "-l", str(log)]
        started = software.run(programs / "pg_ctl", ["start", *control, "-o", options], user=user)
        assert started.returncode == 0, log.read_text()
        try:
            yield "127.0.0.1", port
        finally:
            software.run(programs / "pg_ctl", ["stop", "-D", f"{home}/data", "-m", "immediate"], user=user)
