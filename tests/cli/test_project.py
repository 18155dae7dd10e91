"""agentdb init and new, as processes, in a folder of their own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest


def agentdb(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "agentdb", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_init_makes_a_project_and_leaves_what_is_there(tmp_path: Path) -> None:
    first = agentdb(tmp_path, "init", "shop")
    assert first.returncode == 0, first.stderr
    root = tmp_path / "shop"
    assert (root / "migrations/pending").is_dir()
    key = root / ".agentdb/approval_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((root / ".agentdb").stat().st_mode) == 0o700
    assert (root / ".agentdb/.gitignore").read_text() == "*\n"
    (root / "agentdb.toml").write_text('[project]\nname = "mine"\n')
    before = key.read_bytes()
    again = agentdb(tmp_path, "init", "shop")
    assert again.returncode == 0
    assert "kept  agentdb.toml" in again.stdout
    assert key.read_bytes() == before
    assert (root / "agentdb.toml").read_text() == '[project]\nname = "mine"\n'


def test_new_takes_the_next_number_and_records_what_it_needs(tmp_path: Path) -> None:
    assert agentdb(tmp_path, "init").returncode == 0
    (tmp_path / "migrations/applied/007_old.sql").write_text("SELECT 1;")
    made = agentdb(tmp_path, "new", "Add e-mail to Customers!", "--depends", "007")
    assert made.stdout.strip() == "migrations/pending/008_add_e_mail_to_customers.sql"
    text = (tmp_path / made.stdout.strip()).read_text()
    assert text.startswith("-- purpose: Add e-mail to Customers!\n-- depends: 007\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["new", "x"], 2, "agentdb init"),
        (["new", "!!!"], 2, "no letter or digit"),
        (["nwe"], 2, "Did you mean 'new'?"),
        (["--nope"], 2, "--nope"),
        (["new"], 2, "DESCRIPTION"),
    ],
)
def test_wrong_use_is_one_clear_error(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    done = agentdb(tmp_path, *arguments)
    assert done.returncode == code
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
