"""What goes wrong is told in one clear error with the right exit code, and nothing is half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.locked_server import locked_server

CONFIG = '[targets.prod]\ndsn_env = "SHOP_URL"\nenvironment = "prod"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("pending", "applied", "rollback", "archived"):
        (tmp_path / "migrations" / folder).mkdir(parents=True)
    (tmp_path / "agentdb.toml").write_text(CONFIG)
    return tmp_path


def agentdb(folder: Path, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "PG"))}
    if url:
        environment["SHOP_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "agentdb", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def written(folder: Path) -> set[str]:
    """What lies in the project, the state folder left out."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and ".agentdb" not in p.parts}


def put(project: Path, content: str | bytes, name: str = "001_change.sql") -> Path:
    path = project / "migrations/pending" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def is_one_clear_error(done: subprocess.CompletedProcess[str], *says: str) -> None:
    assert "Traceback" not in done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert lines and lines[0].startswith("agentdb: "), done.stderr
    assert len(lines) <= 2, done.stderr
    for word in says:
        assert word.lower() in done.stderr.lower()


FILE_TROUBLE = [
    pytest.param(b"", "empty", id="empty file"),
    pytest.param(b"SELECT 1;\nSELECT '\xe9';\n", "utf-8", id="not UTF-8"),
    pytest.param(b"SELECT '\x00';\n", "NUL", id="NUL byte"),
    pytest.param(b"SELECT 1;\n" + b"-- " + b"x" * 50_000_000, "50 MB".split()[1], id="50 MB file"),
]


@pytest.mark.parametrize("command", [("check", "--static"), ("test",), ("run", "--no-model")], ids=lambda c: c[0])
@pytest.mark.parametrize(("content", "says"), FILE_TROUBLE)
def test_a_file_that_is_no_migration(project: Path, command: tuple[str, ...], content: bytes, says: str) -> None:
    path = put(project, content)
    before = written(project)
    done = agentdb(project, *command, str(path))
    assert done.returncode == 2
    is_one_clear_error(done, "001_change.sql", says)
    assert written(project) == before


@pytest.mark.parametrize("command", [("check", "--static"), ("test",), ("run", "--no-model")], ids=lambda c: c[0])
def test_a_missing_file_and_a_folder_instead_of_a_file(project: Path, command: tuple[str, ...]) -> None:
    done = agentdb(project, *command, "migrations/pending/nope.sql")
    assert done.returncode == 2
    is_one_clear_error(done, "nope.sql", "no such file")
    if command[0] == "test":
        done = agentdb(project, *command, "migrations/pending")
        assert done.returncode == 2
        is_one_clear_error(done, "directory")


def test_a_syntax_error_is_told_with_file_line_and_column(project: Path) -> None:
    path = put(project, "CREATE TABLE a (id int);\n\nCREATE TABEL b (id int);\n")
    before = written(project)
    static = agentdb(project, "check", "--static", "--format", "github", str(path))
    assert static.returncode == 1
    assert "001_change.sql,line=3" in static.stdout
    assert 'syntax error at or near "TABEL"' in static.stdout
    tried = agentdb(project, "test", str(path))
    assert tried.returncode in (1, 3)
    assert "001_change.sql:3" in tried.stdout + tried.stderr
    assert "Traceback" not in tried.stderr
    assert written(project) == before


def test_a_table_that_is_not_there_is_told_with_its_line(project: Path) -> None:
    path = put(project, "SELECT 1;\nALTER TABLE nowhere ADD COLUMN a int;\n")
    done = agentdb(project, "test", str(path))
    assert done.returncode == 3
    shown = done.stdout + done.stderr
    assert "nowhere" in shown
    assert "001_change.sql:2" in shown
    assert "Traceback" not in shown


def test_an_extension_that_the_sandbox_lacks_is_unknown_not_wrong(project: Path) -> None:
    path = put(project, "CREATE EXTENSION no_such_extension;\n")
    done = agentdb(project, "test", str(path))
    shown = done.stdout + done.stderr
    assert done.returncode == 3
    assert "no_such_extension" in shown
    assert "Traceback" not in shown


def test_an_unreachable_database(project: Path) -> None:
    put(project, "SELECT 1;")
    done = agentdb(project, "status", "--target", "prod", url="postgresql://ann:hunter2@127.0.0.1:1/shop")
    assert done.returncode == 3
    is_one_clear_error(done, "127.0.0.1:1/shop", "listens")
    assert "hunter2" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[str, int]]:
    with locked_server("right-password") as place:
        yield place


@pytest.mark.parametrize(
    "command", [("status", "--target", "prod"), ("health", "--target", "prod")], ids=lambda c: c[0]
)
def test_a_wrong_password(project: Path, guarded: tuple[str, int], command: tuple[str, ...]) -> None:
    put(project, "SELECT 1;")
    host, port = guarded
    done = agentdb(project, *command, url=f"postgresql://owner:wrong-password@{host}:{port}/postgres")
    assert done.returncode == 3
    is_one_clear_error(done, "refused the login", "owner")
    assert "wrong-password" not in done.stdout + done.stderr


def test_a_target_whose_variable_is_not_set(project: Path) -> None:
    done = agentdb(project, "status", "--target", "prod")
    assert done.returncode == 2
    is_one_clear_error(done, "SHOP_URL")


def test_an_unknown_key(project: Path) -> None:
    (project / "agentdb.toml").write_text(CONFIG + "[hazards]\nfail_onn = 'error'\n")
    done = agentdb(project, "status")
    assert done.returncode == 2
    is_one_clear_error(done, "hazards.fail_onn", "fail_on")


def read_only(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """agentdb in a folder that may not be written: by its permissions, or for root by a read-only mount."""
    if os.geteuid() != 0:
        folders = [folder, *(p for p in folder.rglob("*") if p.is_dir())]
        for one in folders:
            one.chmod(0o555)
        try:
            return agentdb(folder, *arguments)
        finally:
            for one in folders:
                one.chmod(0o755)
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99; cd "$0" && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(folder), sys.executable, "-m", "agentdb", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a folder read-only")
    return done


@pytest.mark.parametrize("command", [("new", "add email"), ("init",)], ids=lambda c: c[0])
def test_a_disk_that_may_not_be_written(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "migrations/pending").mkdir(parents=True)
    done = read_only(tmp_path, *command)
    assert done.returncode == 2
    is_one_clear_error(done, "cannot write")
    assert written(tmp_path) == set()
