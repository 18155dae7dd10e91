"""Keys and signatures through OpenSSH, with its own agent and its own rules for allowed signers."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import agentdb
from agentdb.errors import RefusedError, UsageError
from agentdb.tools.ledger import approvals, signing
from agentdb.tools.ledger.plan import Plan

DATA = b'{"decision":"approve"}'


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return approvals.create_local_key(tmp_path, "ada@example.org")


def test_a_local_key_is_private_and_allowed_for_approvals_only(key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    assert (key.parent / "allowed_signers").stat().st_mode & 0o777 == 0o600
    line = (key.parent / "allowed_signers").read_text()
    assert line.startswith('ada@example.org namespaces="agentdb-approval" ssh-ed25519 ')
    with pytest.raises(UsageError, match="there is a key already"):
        approvals.create_local_key(key.parent, "eve@example.org")


@pytest.mark.parametrize("name", ["", " ", "two words", 'q"uote', "a,b", "*", "x\ny"])
def test_a_name_that_would_mean_more_than_one_person_is_not_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        approvals.create_local_key(tmp_path, name)
    assert not (tmp_path / "approval_key").exists()


def test_a_signature_holds_for_its_bytes_its_person_and_its_purpose(key: Path) -> None:
    signers = key.parent / "allowed_signers"
    armoured = signing.signature(DATA, key)
    signing.check(DATA, armoured, "ada@example.org", signers)
    for data, name, reason in (
        (DATA + b" ", "ada@example.org", "bad-signature"),
        (DATA, "eve@example.org", "unknown-signer"),
        (DATA, "-f/etc/passwd", "unknown-signer"),
        (DATA, "ada@example.org\nx", "bad-signature"),
    ):
        with pytest.raises(RefusedError) as caught:
            signing.check(data, armoured, name, signers)
        assert caught.value.reason == reason


def test_a_key_whose_time_is_over_signs_no_more(key: Path) -> None:
    signers = key.parent / "allowed_signers"
    armoured = signing.signature(DATA, key)
    signers.write_text(signers.read_text().replace(" namespaces", ' valid-before="20200101",namespaces'))
    with pytest.raises(RefusedError) as caught:
        signing.check(DATA, armoured, "ada@example.org", signers)
    assert caught.value.reason == "unknown-signer"


def test_the_agent_signs_when_only_the_public_half_is_given(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    found = dict(part.split("=", 1) for part in told.replace("\n", "").split(";") if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])
    try:
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
        key.rename(key.with_name("elsewhere"))
        armoured = signing.signature(DATA, key.with_name(key.name + ".pub"))
        signing.check(DATA, armoured, "ada@example.org", key.parent / "allowed_signers")
    finally:
        os.kill(int(found["SSH_AGENT_PID"]), signal.SIGTERM)


def test_the_person_of_a_key_is_found_in_the_list(key: Path) -> None:
    signers = key.parent / "allowed_signers"
    assert signing.principal_of(key, signers) == "ada@example.org"
    other = approvals.create_local_key(key.parent / "other", "eve@example.org")
    assert signing.principal_of(other, signers) is None
    signers.write_text("# " + signers.read_text())
    assert signing.principal_of(key, signers) is None


def test_a_missing_or_foreign_key_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such key"):
        signing.signature(DATA, tmp_path / "nowhere")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UsageError, match="did not sign"):
        signing.signature(DATA, tmp_path / "text")


def test_without_openssh_nothing_is_approved(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    armoured = signing.signature(DATA, key)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RefusedError) as caught:
        signing.check(DATA, armoured, "ada@example.org", key.parent / "allowed_signers")
    assert caught.value.reason == "unverifiable"


def test_an_approval_must_end_after_it_begins(key: Path) -> None:
    plan = Plan("apply", "1", "shop", "prod", "v1:0", ())
    now = datetime.now(UTC)
    with pytest.raises(UsageError):
        approvals.sign(plan, approver="ada@example.org", key=key, created=now, expires=now)
    made = approvals.sign(plan, approver="ada@example.org", key=key, created=now, expires=now + timedelta(hours=1))
    assert approvals.from_text(approvals.to_text(made)) == made


ROOT = Path(str(agentdb.__file__)).parent
SIGNS = {"sign", "create_local_key", "signature", "create_key", "signing"}
CHANGES = {"carry", "progress", "carry_out", "work_session", "install", "begin", "take_over", "use_approval"}


def _from_ledger(path: Path) -> set[str]:
    """What a module takes from tools/ledger: names imported from it, and attributes of modules of it."""
    tree = ast.parse(path.read_text())
    taken: set[str] = set()
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and "ledger" in node.module.split("."):
            taken |= {alias.name for alias in node.names} | set(node.module.split("."))
            modules |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            taken.add(node.attr)
    return taken


def _modules(*folders: str) -> list[Path]:
    found = [p for folder in folders for p in (ROOT / folder).rglob("*.py") if p.parent.name != "ledger"]
    assert len(found) > 50
    return found


def test_no_agent_no_node_and_no_tool_signs() -> None:
    assert not {p.name: taken for p in _modules("agents", "graph", "tools") if (taken := _from_ledger(p) & SIGNS)}
    assert {"sign"} <= _from_ledger(ROOT / "cli" / "approve.py")


def test_only_the_ledger_itself_can_write_to_a_target() -> None:
    found = {p.name: _from_ledger(p) & CHANGES for p in _modules("agents", "graph", "cli", "tools")}
    assert not {name: taken for name, taken in found.items() if taken}
