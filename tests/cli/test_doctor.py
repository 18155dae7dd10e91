"""agentdb doctor, as a process with a cache folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer


@pytest.fixture
def cache() -> Iterator[Path]:
    """A folder that any user may enter, since the server does not run as root."""
    with tempfile.TemporaryDirectory(prefix="agentdb-doctor-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def agentdb(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "PG"))}
    return subprocess.run(
        [sys.executable, "-m", "agentdb", "doctor", *arguments],
        cwd=folder, env=environment | variables, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_the_doctor_starts_the_sandbox_and_stops_it_when_told(tmp_path: Path, cache: Path) -> None:
    done = agentdb(tmp_path, "--format", "json", AGENTDB_SANDBOX_DIR=str(cache))
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["ok"]
    said = {f["what"]: f for f in found["findings"]}
    assert "PostgreSQL 18" in said["sandbox"]["says"] and said["sandbox"]["status"] == "ok"
    assert said["settings"]["status"] == "warn"
    assert "not configured" in said["model"]["says"]
    (tmp_path / "agentdb.toml").write_text("[sandbx]\n")
    broken = agentdb(tmp_path, AGENTDB_SANDBOX_DIR=str(cache))
    assert broken.returncode == 3
    assert "bad   settings" in broken.stdout and "did you mean 'sandbox'" in broken.stdout
    assert "ok    sandbox" in broken.stdout, "the rest is looked at all the same"
    stopped = agentdb(tmp_path, "--remove-sandbox", AGENTDB_SANDBOX_DIR=str(cache))
    assert stopped.returncode == 0 and "is stopped" in stopped.stdout
    assert not list((cache / "sandbox").iterdir())
    again = agentdb(tmp_path, "--stop-sandbox", AGENTDB_SANDBOX_DIR=str(cache))
    assert again.returncode == 0 and "was not running" in again.stdout


def test_what_is_broken_is_named_without_secrets(
    tmp_path: Path, server: SandboxServer, database: SandboxDatabase
) -> None:
    (tmp_path / "agentdb.toml").write_text(
        '[targets.good]\ndsn_env = "GOOD"\n[targets.away]\ndsn_env = "AWAY"\n[targets.unset]\ndsn_env = "UNSET"\n'
    )
    variables = {
        "AWAY": "postgresql://app:canary@127.0.0.1:1/shop",
        "GOOD": database.dsn.reveal(),
        "AGENTDB_SANDBOX_DSN": "postgresql://app:canary@127.0.0.1:2/x",
        "OPENAI_API_KEY": "canary",
        "OPENAI_BASE_URL": "https://user:canary@models.example/v1",
    }
    done = agentdb(tmp_path, "--format", "json", **variables)
    assert done.returncode == 3
    assert "canary" not in done.stdout + done.stderr
    said = {f["what"]: f for f in json.loads(done.stdout)["findings"]}
    assert said["target good"]["status"] == "ok" and "PostgreSQL" in said["target good"]["says"]
    assert said["target away"]["status"] == "bad" and "nothing listens there" in said["target away"]["says"]
    assert said["target unset"]["status"] == "warn"
    assert said["sandbox"]["status"] == "bad"
    assert "models.example" in said["model"]["says"]
