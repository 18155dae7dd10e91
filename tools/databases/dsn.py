"""Where a database is, kept so that its password cannot slip into a message, a log or a prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ...errors import ConfigError


class Dsn:
    """A connection string as an opaque value: printing, formatting or pickling it never shows a secret.

    Only `reveal()` gives the text, and only the code that opens a connection calls it.
    """

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        if not url.strip():
            raise ConfigError("the connection string is empty", hint="Set it to postgresql://user@host/database.")
        self._url = url.strip()

    def reveal(self) -> str:
        """The connection string itself, for the driver."""
        return self._url

    def parts(self) -> dict[str, Any]:
        """host, port, dbname and user as libpq reads them (never the password); Errors: ConfigError."""
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            found = conninfo_to_dict(self._url)
        except ProgrammingError:
            raise ConfigError(
                "the connection string is not one that libpq understands",
                hint="Write it as postgresql://user@host:5432/database.",
            ) from None
        return {k: found[k] for k in ("host", "hostaddr", "port", "dbname", "user") if found.get(k) is not None}

    def identity(self) -> str:
        """host:port/dbname, for messages and for telling two targets apart."""
        parts = self.parts()
        host = parts.get("host") or parts.get("hostaddr") or "local socket"
        return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or parts.get('user') or ''}"

    def with_database(self, name: str) -> Dsn:
        """The same server and login, another database."""
        from psycopg.conninfo import make_conninfo

        return Dsn(make_conninfo(self._url, dbname=name))

    def scrub(self, text: str) -> str:
        """The text without this connection's password or whole string, should either stand in it."""
        from psycopg.conninfo import conninfo_to_dict

        text = text.replace(self._url, str(self))
        password = conninfo_to_dict(self._url).get("password")
        return text.replace(str(password), "***") if password else text

    def __repr__(self) -> str:
        return f"Dsn({self})"

    def __str__(self) -> str:
        try:
            return self.identity()
        except ConfigError:
            return "unreadable connection string"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dsn) and self._url == other._url

    def __hash__(self) -> int:
        return hash(hashlib.sha256(self._url.encode()).digest())

    def __reduce__(self) -> Any:
        raise TypeError("a Dsn is not stored or sent")


def dsn_from_environment(name: str, environ: Mapping[str, str]) -> Dsn:
    """The connection string in environment variable `name`. Errors: ConfigError when it is unset or empty."""
    value = environ.get(name, "")
    if not value.strip():
        raise ConfigError(
            f"environment variable {name} is not set",
            hint=f"Set {name} to a connection string such as postgresql://user@host:5432/database.",
        )
    return Dsn(value)
