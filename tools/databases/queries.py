"""The SQL that agentdb sends to servers: one named file per question."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def load(engine: str, name: str) -> str:
    """The text of query `name` for `engine` (sql/<engine>/<name>.sql). Errors: FileNotFoundError."""
    return (resources.files(__package__) / "sql" / engine / f"{name}.sql").read_text(encoding="utf-8")
