"""The PostgreSQL server that agentdb brings along: started once, shared by every process, stopped on request.

A home directory holds everything: software/ (the programs), data/ (the cluster), run/ (the socket),
extensions/ (stand-ins), settings, server.log and two lock files. `lock` is held while starting or stopping; `users` is held shared by whoever works with
the server, so that nobody stops it under another's feet. Nothing in it is precious: what cannot be started is
made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import RefusedError, SandboxError
from ..databases.dsn import Dsn
from . import extensions, processes, software
from .places import closed

SUPERUSER = "postgres"
PORT = 5432  # only a part of the socket's name; no TCP port is opened
MARK = "agentdb-sandbox"  # file that says that the directory is ours to fill and to empty

# Durable is the last thing this server has to be. Source: manual, "Non-Durable Settings".
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "200",
    "max_locks_per_transaction": "512",
    "shared_buffers": "64MB",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "wal_level": "logical",  # else CREATE PUBLICATION warns of something that production does not have
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    "checkpoint_timeout": "1h",
    "max_prepared_transactions": "20",
    "client_connection_check_interval": "1s",  # a query of a killed client ends by itself
    "allow_alter_system": "off",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
}
_VERSIONED = re.compile(r"\d+-r\d+")  # a home's name: PostgreSQL's major version and the revision


@dataclass(frozen=True, slots=True)
class Status:
    """What there is of an embedded server: `pid` is 0 when it does not run; `users` says whether somebody works in it."""

    home: Path
    exists: bool
    pid: int = 0
    in_use: bool = False
    version: str = ""


@contextlib.contextmanager
def using(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[Dsn]:
    """The running server's administrative database, started if need be and not stopped by others until the end.

    settings: on top of SETTINGS, for a server that is started now. Errors: SandboxError when the home cannot be used or the server does not start.
    """
    _needs_unix()
    home = home.absolute()
    _prepare(home)
    with contextlib.ExitStack() as held:
        with _locked(home / "lock"):
            held.enter_context(_locked(home / "users", shared=True))
            dsn = _start(home, settings or {})
        yield dsn


def stop(home: Path, *, force: bool = False, remove: bool = False) -> bool:
    """True when a server was running and is not any more.

    remove: delete the home as well. force: also under the feet of those who use it.
    Errors: RefusedError("in-use") when somebody works with it; SandboxError when it is not a sandbox's home.
    """
    _needs_unix()
    home = home.absolute()
    if not (home / MARK).exists():
        return False
    with _locked(home / "lock"):
        if not force and _in_use(home):
            raise RefusedError(
                "the sandbox server is in use by another agentdb",
                reason="in-use",
                where=str(home),
                hint="Wait until it ends, or use --force.",
            )
        was_running = _stop(home)
        if remove:
            shutil.rmtree(_socket_directory(home), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
    return was_running


def status(home: Path) -> Status:
    """What there is at `home`; looks, starts nothing."""
    home = home.absolute()
    if not (home / MARK).exists():
        return Status(home, False)
    version_file = home / "data" / "PG_VERSION"
    version = version_file.read_text(encoding="utf-8").strip() if version_file.exists() else ""
    return Status(home, True, _postmaster(home), _in_use(home), version)


def _needs_unix() -> None:
    if sys.platform == "win32":
        raise SandboxError(
            "the embedded sandbox server runs on Linux and macOS only",
            hint="Set sandbox.server_dsn_env to a server of your own.",
        )


def _prepare(home: Path) -> None:
    """Make the home, or make sure that it is one. Errors: SandboxError when it is somebody else's directory."""
    try:
        for folder in reversed((home, *home.parents)):
            if not folder.exists():
                folder.mkdir(mode=0o755, exist_ok=True)
                folder.chmod(0o755)  # whatever the umask: for root, another user has to get in
        if not (home / MARK).exists():
            foreign = any(p.name not in (MARK, "lock", "users") for p in home.iterdir())
            if foreign and not (home / MARK).exists():  # another process may have made it between the two looks
                raise SandboxError(
                    "the directory holds something else and is left alone",
                    where=str(home),
                    hint="Name an empty directory for the sandbox.",
                )
            (home / MARK).write_text("Made by agentdb; safe to delete when no server runs in it.\n", encoding="utf-8")
        if home.stat().st_uid != os.geteuid():
            raise SandboxError("the directory belongs to another user", where=str(home), hint="Name another directory.")
        user = software.runner()
        if user.switch and (shut := closed(home)):
            raise SandboxError(
                f"PostgreSQL runs as {user.name}, who cannot get into {shut[0]}",
                where=str(home),
                hint="Name a directory that everybody may enter, or run agentdb as another user than root.",
            )
    except OSError as error:
        raise SandboxError(
            f"the sandbox's directory cannot be written: {error.strerror}",
            where=str(home),
            hint="Name a directory that can, or set sandbox.server_dsn_env to a server of your own.",
        ) from None


@contextlib.contextmanager
def _locked(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file; gives False when it is held by another and `wait` is False. Freed by the kernel at exit."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            raise SandboxError(
                f"files cannot be locked there: {error.strerror}", where=str(path), hint="Name a local directory."
            ) from None
        yield True
    finally:
        os.close(descriptor)


def _in_use(home: Path) -> bool:
    with _locked(home / "users", wait=False) as alone:
        return not alone


def _socket_directory(home: Path) -> Path:
    """Where the socket lies: in the home, or in a short place when the path would be too long.

    Source: manual, unix_socket_directories; unix(7): 107 bytes on Linux, 103 on macOS.
    """
    inside = home / "run"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= 103:
        return inside
    mark = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    return Path("/tmp") / f"agentdb-{os.geteuid()}-{mark}"


def _dsn(home: Path) -> Dsn:
    from psycopg.conninfo import make_conninfo

    # options and client_encoding are given so that PGOPTIONS and PGCLIENTENCODING do not reach the session
    return Dsn(
        make_conninfo(
            host=str(_socket_directory(home)),
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            client_encoding="UTF8",
            options="",
        )
    )


def _answers(home: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(_dsn(home).reveal(), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _postmaster(home: Path) -> int:
    """The process number of the running server, 0 when none runs: a stale file or another program's number is not one."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0
    known = str(home / "data") in processes.command(pid) and processes.owner(pid) == software.runner().uid
    return pid if known else 0


def _start(home: Path, extra: Mapping[str, str]) -> Dsn:
    if _postmaster(home) and _answers(home):
        return _dsn(home)
    _remove_older(home)
    user, programs = software.runner(), software.install(home)
    for attempt in ("as it is", "anew"):
        if not (home / "data" / "PG_VERSION").exists() or attempt == "anew":
            _stop(home)
            _initialise(home, programs, user)
        problem = _launch(home, programs, user, extra)
        if not problem:
            return _dsn(home)
    raise SandboxError(
        f"the sandbox server does not start: {problem}",
        where=str(home / "server.log"),
        hint="`agentdb doctor` looks closer; sandbox.server_dsn_env names a server of your own.",
    )


def _remove_older(home: Path) -> None:
    """Remove homes of other revisions beside this one that nobody uses any more."""
    if not _VERSIONED.fullmatch(home.name):
        return
    for other in home.parent.iterdir():
        if other != home and _VERSIONED.fullmatch(other.name) and (other / MARK).exists():
            with contextlib.suppress(RefusedError, SandboxError, OSError):
                stop(other, remove=True)


def _initialise(home: Path, programs: Path, user: software.Runner) -> None:
    shutil.rmtree(home / "data", ignore_errors=True)
    (home / "data").mkdir(mode=0o700)
    user.own(home / "data")
    choices = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8", "--no-sync"]
    done = software.run(
        programs / "initdb",
        ["-D", str(home / "data"), "-U", SUPERUSER, "--auth=reject", "--no-instructions", *choices],
        user=user,
    )
    if done.returncode:
        raise SandboxError(f"initdb failed: {_last_line(done.stderr)}", where=str(home / "data"))


def _launch(home: Path, programs: Path, user: software.Runner, extra: Mapping[str, str]) -> str:
    """ "" when the server answers, else what is wrong."""
    import pwd

    sockets = _socket_directory(home)
    try:
        sockets.mkdir(mode=0o700, exist_ok=True)
        user.own(sockets)
        if sockets.is_symlink() or sockets.stat().st_uid != user.uid:
            raise SandboxError("the socket's directory belongs to another user", where=str(sockets))
    except OSError as error:
        raise SandboxError(f"the socket's directory cannot be made: {error.strerror}", where=str(sockets)) from None
    log, data = home / "server.log", home / "data"
    log.write_text("", encoding="utf-8")
    user.own(log)
    # Root never writes into data/, which the unprivileged user owns: SQL on trial could have put a link there.
    settings = {
        **SETTINGS,
        **extra,
        "unix_socket_directories": f'"{sockets}"',
        "hba_file": str(home / "pg_hba.conf"),
        "ident_file": str(home / "pg_ident.conf"),
        "extension_control_path": f"$system:{home / 'extensions'}",
    }
    extensions.install(home / "extensions")
    _write(home / "postgresql.conf", [f"{k} = '{v}'" for k, v in settings.items()])
    # only the user who runs agentdb may log in, as any role (manual, "Peer Authentication" and "User Name Maps")
    _write(home / "pg_hba.conf", ["local all all peer map=agentdb"])
    _write(home / "pg_ident.conf", [f'agentdb "{pwd.getpwuid(os.geteuid()).pw_name}" all'])
    options = f"-p {PORT} -c config_file={shlex.quote(str(home / 'postgresql.conf'))}"
    started = ""
    for _ in range(2):
        _clear_stale_pid(home)
        done = software.run(
            programs / "pg_ctl",
            ["start", "-w", "-s", "-t", "60", "-D", str(data), "-l", str(log), "-o", options],
            user=user,
        )
        if done.returncode == 0 and _answers(home):
            return ""
        started = _last_line(log.read_text(encoding="utf-8", errors="replace")) or _last_line(done.stderr)
        # children of a killed server that still hold its memory keep a new one from starting
        _end(processes.servers_in(data, user.uid))
    return started or "it gives no reason"


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    path.chmod(0o644)


def _clear_stale_pid(home: Path) -> None:
    """Remove the files of a server that was killed: PostgreSQL gives up when another program has got its number, or when
    nobody has taken note of its death yet (a zombie still answers to its number)."""
    if not _postmaster(home):
        (home / "data" / "postmaster.pid").unlink(missing_ok=True)
        (_socket_directory(home) / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _stop(home: Path) -> bool:
    pid = _postmaster(home)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)  # fast shutdown (manual, "Shutting Down the Server")
        _wait_until_gone((pid,), 20)
    _end(processes.servers_in(home / "data", software.runner().uid))
    (home / "data" / "postmaster.pid").unlink(missing_ok=True)
    return bool(pid)


def _end(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _wait_until_gone(pids, 10)


def _wait_until_gone(pids: Sequence[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(processes.started(p) for p in pids):
        time.sleep(0.01)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return (fatal or lines or [""])[-1][:300]
