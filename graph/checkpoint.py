"""Where threads are kept between runs: SQLite in the project's state folder, or PostgreSQL by configuration.

A checkpoint is a convenience. Nothing in it can make a change happen: tools/ledger recomputes everything that an
approval is bound to. Still it holds the SQL of migrations, so the file is the owner's alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import Settings
from ..errors import DatabaseError, RefusedError, UsageError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

FILE = "state.db"
BUSY_SECONDS = 30.0


@contextlib.contextmanager
def checkpointer(settings: Settings, state_dir: Path, environ: Mapping[str, str]) -> Iterator[BaseCheckpointSaver[Any]]:
    """The store of threads. Errors: UsageError (folder cannot be written), ConfigError, DatabaseError."""
    if settings.graph.checkpoint_dsn_env:
        with _postgres(settings.graph.checkpoint_dsn_env, environ) as saver:
            yield saver
    else:
        with _sqlite(state_dir) as saver:
            yield saver


@contextlib.contextmanager
def _sqlite(state_dir: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    """SQLite at state_dir/state.db, mode 0600 in a folder of mode 0700; its side files take the same mode."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    path = private_file(state_dir, FILE)
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_SECONDS)
    except sqlite3.Error as error:
        raise UsageError(f"cannot be opened: {error}", where=str(path)) from None
    try:
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode=WAL")
            saver = SqliteSaver(connection)
            saver.setup()
            yield saver
    except sqlite3.DatabaseError as error:
        raise UsageError(
            f"the store of threads cannot be used: {error}",
            where=str(path),
            hint="Move the file away; only unfinished threads are lost, nothing about the target.",
        ) from None


@contextlib.contextmanager
def _postgres(variable: str, environ: Mapping[str, str]) -> Iterator[BaseCheckpointSaver[Any]]:
    """PostgreSQL by the connection string in an environment variable; its tables are made when they are not there."""
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    from ..tools.databases.dsn import dsn_from_environment
    from ..tools.databases.postgres import unreachable

    dsn = dsn_from_environment(variable, environ)
    try:
        connection = psycopg.connect(
            dsn.reveal(),
            autocommit=True,
            prepare_threshold=0,
            row_factory=dict_row,
            connect_timeout=10,
            application_name="agentdb threads",
        )
    except psycopg.OperationalError as error:
        raise unreachable(dsn, error) from None
    with connection:
        saver = PostgresSaver(connection)
        try:
            # Two processes that make the tables at once would both fail on the second's catalog rows.
            connection.execute("SELECT pg_advisory_lock(hashtext('agentdb threads'))")
            try:
                saver.setup()
            finally:
                connection.execute("SELECT pg_advisory_unlock(hashtext('agentdb threads'))")
        except psycopg.Error as error:
            line = dsn.scrub(str(error).splitlines()[0])
            raise DatabaseError(f"the store of threads cannot be made: {line}", where=dsn.identity()) from None
        yield saver


def private_file(folder: Path, name: str) -> Path:
    """folder/name, there and readable by its owner alone, in a folder that only the owner may enter.

    Errors: UsageError when it cannot be made so.
    """
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(handle).st_mode & 0o077:
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(
            f"cannot be made private: {error.strerror or error}", where=str(path), hint="Check owner and permissions."
        ) from None
    return path


@contextlib.contextmanager
def held(state_dir: Path, thread: str, *, wait: float = 60.0) -> Iterator[None]:
    """The thread is worked on by this process alone for the length of the block.

    LangGraph runs a thread as often as it is told to, also at the same time. This keeps two terminals from doing
    the same work; that a migration is applied once is the ledger's doing.
    Errors: RefusedError("thread-in-use") after `wait` seconds.
    """
    name = hashlib.sha256(thread.encode()).hexdigest()[:24]
    path = private_file(state_dir / "threads", f"{name}.lock")
    deadline = time.monotonic() + wait
    with path.open("r+") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise RefusedError(
                        f"another agentdb is working on thread {thread}",
                        reason="thread-in-use",
                        hint="Wait until it is done, or use another --thread.",
                    ) from None
                time.sleep(0.05)
        yield
