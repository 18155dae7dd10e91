"""Signatures through OpenSSH, as git makes them: `ssh-keygen -Y sign | verify` with an allowed-signers file.

Source: ssh-keygen(1), "-Y sign", "-Y verify" and ALLOWED SIGNERS (OpenSSH 8.2 and later).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from ...errors import RefusedError, UsageError

NAMESPACE = "agentdb-approval"
ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+-----END SSH SIGNATURE-----\n?")
PRINCIPAL = re.compile(r"[^\s,\"'*?!#\x00-\x1f\x7f]{1,200}")
VERIFY_SECONDS = 20


def signature(data: bytes, key: Path) -> str:
    """An armoured signature of the data. `key` is a private key, or a public one whose private half is in ssh-agent.

    ssh-keygen itself asks for a passphrase, on the terminal. Errors: UsageError.
    """
    if not key.is_file():
        raise UsageError(
            "there is no such key",
            where=str(key),
            hint="Name your SSH key with --key, or run `agentdb init` for a local one.",
        )
    done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], data, timeout=None)
    text = done.stdout.decode(errors="replace")
    if done.returncode or not ARMOUR.fullmatch(text):
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise UsageError(
            f"the key did not sign: {said or 'no reason given'}", where=str(key), hint="Check key and passphrase."
        )
    return text


def check(data: bytes, armoured: str, principal: str, allowed_signers: Path) -> None:
    """Nothing, when `principal` is allowed to sign and the signature is theirs over these bytes.

    Errors: RefusedError bad-signature, unknown-signer, no-signers, unsafe-signers or unverifiable.
    """
    _check_signers_file(allowed_signers)
    if not PRINCIPAL.fullmatch(principal) or not ARMOUR.fullmatch(armoured):
        raise _bad("the approval carries no well-formed signature")
    with tempfile.TemporaryDirectory(prefix="agentdb-") as folder:
        file = Path(folder, "signature")
        file.write_text(armoured, encoding="ascii")
        common = ["-n", NAMESPACE, "-s", str(file)]
        done = _run(["-Y", "verify", "-f", str(allowed_signers), "-I", principal, *common], data)
        if done.returncode == 0:
            return
        whole = _run(["-Y", "check-novalidate", *common], data).returncode == 0
    if not whole:
        raise _bad("the signature does not belong to this approval")
    raise RefusedError(
        f"{allowed_signers.name} does not let this key sign as {principal}",
        reason="unknown-signer",
        where=str(allowed_signers),
        hint="Have the approver's public key added there, by someone who may change that file.",
    )


def principal_of(key: Path, allowed_signers: Path) -> str | None:
    """The name under which the allowed-signers file lists a key, or None when it does not."""
    wanted = _public(key)
    if not wanted or not allowed_signers.is_file():
        return None
    for line in allowed_signers.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if not line.lstrip().startswith("#") and wanted in words[1:]:
            names = [n for n in words[0].strip('"').split(",") if PRINCIPAL.fullmatch(n)]
            if names:
                return names[0]
    return None


def principals(allowed_signers: Path) -> tuple[str, ...]:
    """The names that may approve by an allowed-signers file, in its order; () when there is no file."""
    if not allowed_signers.is_file():
        return ()
    found: list[str] = []
    for line in allowed_signers.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) < 3 or line.lstrip().startswith("#"):
            continue
        limits = re.search(r'namespaces="([^"]*)"', line)
        if limits is None or NAMESPACE in limits[1].split(","):
            found += [n for n in words[0].strip('"').split(",") if PRINCIPAL.fullmatch(n)]
    return tuple(dict.fromkeys(found))


def create_key(path: Path, comment: str) -> str:
    """A new Ed25519 key without passphrase at `path` (mode 0600) and path.pub; the public key's text.
    Errors: UsageError when one is there already or it cannot be made."""
    if path.exists():
        raise UsageError("there is a key already", where=str(path), hint="Keep it, or move it away first.")
    done = _run(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)], b"")
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise UsageError(f"the key could not be made: {said}", where=str(path), hint="Check the folder's permissions.")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return path.with_name(path.name + ".pub").read_text(encoding="utf-8").strip()


def _public(key: Path) -> str | None:
    """The base64 body of a key's public half."""
    public = key if key.suffix == ".pub" else key.with_name(key.name + ".pub")
    if public.is_file():
        words = public.read_text(encoding="utf-8", errors="replace").split()
    elif key.is_file():
        words = _run(["-y", "-f", str(key)], b"").stdout.decode(errors="replace").split()
    else:
        return None
    return words[1] if len(words) > 1 else None


def _check_signers_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        raise RefusedError(
            "there is no list of people who may approve",
            reason="no-signers",
            where=str(path),
            hint="Run `agentdb init` for a local key, or set approval.allowed_signers in agentdb.toml.",
        ) from None
    if os.name == "posix" and mode & stat.S_IWOTH:
        raise RefusedError(
            "anyone on this machine may change the list of people who may approve",
            reason="unsafe-signers",
            where=str(path),
            hint=f"chmod o-w {path.name}",
        )


def _bad(what: str) -> RefusedError:
    return RefusedError(what, reason="bad-signature", hint="Approve again: agentdb approve.")


def _run(
    arguments: list[str], data: bytes, timeout: float | None = VERIFY_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise RefusedError(
            "ssh-keygen is not installed; without it no approval can be made or checked",
            reason="unverifiable",
            hint="Install the OpenSSH client (8.2 or later).",
        )
    try:
        return subprocess.run(
            [program, *arguments],
            input=data,
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise RefusedError("ssh-keygen did not answer", reason="unverifiable", hint="Try again.") from None
