"""A standby is asked as well as a primary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.own_server import own_server, program

from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.databases.postgres import connect
from agentdb.tools.health.incident import assess, situation
from agentdb.tools.health.integrity import integrity
from agentdb.tools.health.report import health
from agentdb.tools.health.result import Status
from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.server import SandboxServer


@pytest.fixture
def standby(production: SandboxServer) -> Iterator[Dsn]:
    """A streaming standby of the tests' production server."""
    place = production.dsn.parts()

    def follow(data: Path, run: object) -> None:
        user = software.runner()
        for old in sorted(data.rglob("*"), reverse=True):
            old.rmdir() if old.is_dir() and not old.is_symlink() else old.unlink()
        done = software.run(
            program("pg_basebackup"),
            ["-D", str(data), "-R", "-c", "fast", "-X", "stream", "-h", str(place["host"]), "-U", "postgres"],
            user=user,
        )
        assert done.returncode == 0, done.stderr
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"unix_socket_directories = '{data.parent / 'run'}'\nwal_retrieve_retry_interval = '50ms'\n")

    with own_server({}, follow) as found:
        yield found.dsn


def test_a_standby_answers_everything_that_a_primary_does(production: SandboxServer, standby: Dsn) -> None:
    with connect(standby) as conn:
        report = health(conn)
        assert report.server.standby is True
        assert {c.id: c.summary for c in report.unanswered if c.id != "slow-statements"} == {}
        assert report.check("replication-lag").status is Status.OK
        assert "1 receiver, none behind" in report.check("replication-lag").summary
        assert situation(conn).unanswered == {} and assess(situation(conn)) == ()
        assert integrity(conn).status is Status.OK
