"""The embedded server through start, sharing, violent death and stop; each test sees a real server."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdb.errors import RefusedError, SandboxError
from agentdb.tools.sandbox import embedded, processes, software
from agentdb.tools.sandbox.server import sandbox_server, status, stop_embedded

pytestmark = pytest.mark.slow

USE = """
import sys
from pathlib import Path
from agentdb.tools.sandbox.server import sandbox_server, status
if "nobody" in sys.argv:  # imports first: the interpreter may lie where only root can read
    import email.parser, encodings.idna, fcntl, importlib.metadata, importlib.resources, os, psutil, psycopg, pwd, shutil
    import psycopg.pq, agentdb.tools.databases.postgres, agentdb.tools.sandbox.software as software
    software.packaged_version(), software.packaged()
    os.setgroups([])
    os.setgid(pwd.getpwnam("nobody").pw_gid)
    os.setuid(pwd.getpwnam("nobody").pw_uid)
home = Path(sys.argv[1])
with sandbox_server(data_dir=home) as server:
    database = server.create()
    with database.connect() as connection:
        one = connection.execute("SELECT 1").fetchone()[0]
        print(status(home).pid, one, database.name, flush=True)
        if "hang" in sys.argv:
            connection.execute("SELECT pg_sleep(600)")
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of these tests' own, in a folder that any user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="agentdb-test-"))
    folder.chmod(0o755)
    yield folder / "home"
    stop_embedded(folder / "home", force=True, remove=True)
    shutil.rmtree(folder)


@contextlib.contextmanager
def client(home: Path, *words: str, **keywords: Any) -> Iterator[subprocess.Popen[str]]:
    """Another process at work in the home."""
    arguments = [sys.executable, "-c", USE, str(home), *words]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **keywords) as process:
        yield process
        if "hang" in words:
            process.kill()
        assert process.wait(60) == (-signal.SIGKILL if "hang" in words else 0)


def first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def databases(home: Path) -> set[str]:
    with sandbox_server(data_dir=home) as server:
        return {str(name) for (name,) in server.execute("SELECT datname FROM pg_database")}


def test_two_processes_that_start_at_once_share_one_server(home: Path) -> None:
    with client(home) as one, client(home) as other:
        said = [first_line(one), first_line(other)]
    assert [s[1] for s in said] == ["1", "1"]
    assert said[0][0] == said[1][0] == str(status(home).pid)
    assert said[0][2] != said[1][2]


def test_a_later_process_finds_the_server_still_running(home: Path) -> None:
    with sandbox_server(data_dir=home):
        pid = status(home).pid
    assert pid
    with client(home) as later:
        assert first_line(later)[0] == str(pid)


def test_nothing_of_our_environment_reaches_the_server(home: Path) -> None:
    stop_embedded(home)
    with client(home, env={**os.environ, "PRODUCTION_DSN": "postgresql://app:canary@prod/shop"}) as process:
        pid = first_line(process)[0]
    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_killed_client_leaves_nothing_that_blocks(home: Path) -> None:
    with client(home, "hang") as process:
        pid, _, name = first_line(process)
        assert name in databases(home), "a living process's database is not swept"
    assert name not in databases(home)
    assert status(home).pid == int(pid)


def test_a_killed_server_is_started_again(home: Path) -> None:
    with sandbox_server(data_dir=home) as server, server.create() as database:
        killed = status(home).pid
        with database.connect():
            os.kill(killed, signal.SIGKILL)
            while processes.started(killed):
                pass
            with sandbox_server(data_dir=home) as again:
                assert again.version >= 180000
    assert status(home).pid not in (0, killed)


def test_a_stale_pid_file_with_the_number_of_another_program_is_no_server(home: Path) -> None:
    with sandbox_server(data_dir=home) as server:
        server.execute("CREATE DATABASE kept TEMPLATE template0 STRATEGY FILE_COPY")
    stop_embedded(home)
    bystander = subprocess.Popen(["sleep", "600"], user=software.runner().uid)
    try:
        shutil.copy2(home / "data" / "postmaster.opts", home / "data" / "postmaster.pid")
        (home / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n{home / 'data'}\n1\n5432\n\n\n\nready\n")
        assert status(home).pid == 0
        with sandbox_server(data_dir=home):
            assert status(home).pid not in (0, bystander.pid)
        assert bystander.poll() is None
        assert "kept" in databases(home), "the cluster is the one that it was"
    finally:
        bystander.kill()
        bystander.wait()


def test_a_wrecked_cluster_is_made_anew(home: Path) -> None:
    stop_embedded(home)
    shutil.rmtree(home / "data" / "global")
    with sandbox_server(data_dir=home) as server:
        assert server.version >= 180000


def test_nobody_stops_a_server_that_is_in_use(home: Path) -> None:
    with sandbox_server(data_dir=home):
        assert status(home).in_use
        with pytest.raises(RefusedError) as refused:
            stop_embedded(home)
        assert refused.value.reason == "in-use"
        assert status(home).pid
    assert not status(home).in_use
    assert stop_embedded(home)
    assert status(home).pid == 0
    assert not stop_embedded(home), "the second time there is nothing to stop"


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(SandboxError, match="left alone"), sandbox_server(data_dir=tmp_path):
        pass
    assert not stop_embedded(tmp_path, remove=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="cannot be written"), sandbox_server(data_dir=tmp_path / "file" / "home"):
        pass


def test_homes_of_older_revisions_go_unless_somebody_uses_them(tmp_path: Path) -> None:
    for name in ("17-r1", "16-r1", "notes", "15-r1"):
        (tmp_path / name).mkdir()
    for name in ("17-r1", "16-r1", "notes"):
        (tmp_path / name / embedded.MARK).write_text("")
    with embedded._locked(tmp_path / "16-r1/users", shared=True):
        embedded._remove_older(tmp_path / "18-r2")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["15-r1", "16-r1", "notes"]


def test_a_long_path_gets_a_short_socket() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        deep = folder / ("long" * 20) / ("name" * 20)
        try:
            with sandbox_server(data_dir=deep) as server, server.create() as database, database.connect() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        finally:
            assert stop_embedded(deep, force=True, remove=True)
        assert not embedded._socket_directory(deep).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_an_ordinary_user_has_a_server_too() -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        with client(folder / "home", "nobody", cwd="/") as process:
            pid, one, _ = first_line(process)
        assert one == "1"
        assert processes.owner(int(pid)) == nobody.pw_uid
        os.kill(int(pid), signal.SIGINT)
        while processes.started(int(pid)):
            time.sleep(0.01)
