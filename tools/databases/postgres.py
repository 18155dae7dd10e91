"""PostgreSQL: opening a connection, and knowing which server and database it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from ...errors import DatabaseError
from .dsn import Dsn

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(
    dsn: Dsn,
    *,
    autocommit: bool = True,
    application_name: str = "agentdb",
    connect_timeout: int = 10,
    options: Mapping[str, str] | None = None,
) -> Connection:
    """An open connection.

    options: server settings for the session ({"lock_timeout": "2s"}). connect_timeout: seconds.
    Errors: DatabaseError with one line that names the server but no secret.
    """
    settings = " ".join(
        f"-c {k}={v.replace(chr(92), chr(92) * 2).replace(' ', chr(92) + ' ')}" for k, v in (options or {}).items()
    )
    keywords: dict[str, Any] = {"application_name": application_name, "connect_timeout": connect_timeout}
    if settings:
        keywords["options"] = settings
    try:
        return psycopg.connect(dsn.reveal(), autocommit=autocommit, prepare_threshold=None, **keywords)
    except psycopg.OperationalError as error:
        raise unreachable(dsn, error) from None
    except psycopg.ProgrammingError:
        raise DatabaseError(
            "the connection string is not one that libpq understands",
            hint="Write it as postgresql://user@host:5432/database.",
        ) from None


def unreachable(dsn: Dsn, error: psycopg.Error) -> DatabaseError:
    """The failed connection as one clear line and what to do about it."""
    text = dsn.scrub(" ".join(str(error).split()))
    low = text.lower()
    if "password authentication failed" in low or "no password supplied" in low:
        user = dsn.parts().get("user", "")
        return DatabaseError(
            f"the server refused the login of {user or 'this user'}",
            where=dsn.identity(),
            hint="Check user and password.",
        )
    if "does not exist" in low and "database" in low:
        return DatabaseError(
            "there is no such database on the server", where=dsn.identity(), hint="Check the database's name."
        )
    if "unsupported startup parameter" in low:
        return DatabaseError(
            "a connection pooler in between refuses session settings",
            where=dsn.identity(),
            hint="Use the address of the server itself.",
        )
    if "timeout" in low:
        return DatabaseError(
            "no answer within the time allowed", where=dsn.identity(), hint="Check host, port and firewall."
        )
    if "refused" in low or "no such file" in low:
        return DatabaseError(
            "nothing listens there", where=dsn.identity(), hint="Is the server running, and are host and port right?"
        )
    if "translate host name" in low or "resolve" in low:
        return DatabaseError("the host name is not known", where=dsn.identity(), hint="Check the host's name.")
    return DatabaseError(f"cannot connect: {text[:300]}", where=dsn.identity(), hint="Check the connection string.")


def target_identity(conn: Connection) -> dict[str, str]:
    """Which database this is: system_identifier (given at initdb, kept by replicas and copies of the data
    directory), database, and server_version. Source: manual, pg_control_system()."""
    row = conn.execute(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()), current_database(), current_setting('server_version')"
    ).fetchone()
    assert row is not None
    return {"system_identifier": row[0], "database": row[1], "server_version": row[2]}
