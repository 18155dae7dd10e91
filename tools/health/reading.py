"""The reader of the health checks, and who answers them."""

from __future__ import annotations

from dataclasses import dataclass

from ..databases import reading
from ..databases.reading import LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, plain, reason

__all__ = ["LOCK_TIMEOUT_MS", "STATEMENT_TIMEOUT_MS", "Reader", "Server", "plain", "reason"]


@dataclass(frozen=True, slots=True)
class Server:
    """Who answers, and what the role that asks may see.

    version: like 180006. sees_sessions: pg_read_all_stats, without which other people's sessions are hidden.
    """

    version: int
    version_text: str
    database: str
    role: str
    superuser: bool
    sees_sessions: bool
    standby: bool


@dataclass(frozen=True, slots=True)
class Reader(reading.Reader):
    """A reader that can tell who answers."""

    def server(self) -> Server:
        """Who answers. Errors: psycopg.Error."""
        row = self.rows("health_server")[0]
        return Server(**row)
