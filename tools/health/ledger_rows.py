"""Rows of the ledger as plain facts, however the caller carries them (records or mappings)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..records import to_plain
from .redact import query_head

_KEPT = (
    "id",
    "kind",
    "version",
    "name",
    "checksum",
    "checksum_version",
    "status",
    "dirty",
    "transactional",
    "statement_count",
    "statements_done",
    "started",
    "who",
    "backend_pid",
    "backend_start",
    "error",
)


def facts_of(row: Any) -> dict[str, Any]:
    """The row as JSON-plain facts; what it does not say is "". `open`: begun, and neither done nor cleaned up.

    A row without `dirty` counts as dirty when it failed. `under_way` is the statement that was running,
    without literals.
    """
    plain = to_plain(row)
    known: Mapping[str, Any] = plain if isinstance(plain, Mapping) else {}
    facts = {k: _plain(known[k]) for k in _KEPT if k in known}
    under_way = known.get("under_way")
    if isinstance(under_way, Mapping):
        facts["under_way"] = query_head(str(under_way.get("text") or under_way.get("kind") or ""))
    status = str(known.get("status", ""))
    dirty = bool(known.get("dirty", status == "failed"))
    return {
        "kind": "apply",
        "version": "",
        "name": "",
        "status": "",
        "checksum": "",
        **facts,
        "open": status == "running" or dirty,
    }


def open_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The rows that began and did not end, as facts."""
    return [f for f in map(facts_of, rows) if f["open"]]


def progress(facts: Mapping[str, Any]) -> str:
    """ "2 of 5 statements done", or "" when the row does not say."""
    done, count = facts.get("statements_done"), facts.get("statement_count")
    return f"{done} of {count} statements done" if count and done is not None else ""


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return value


def is_alive(facts: Mapping[str, Any], sessions: Collection[int], starts: Mapping[str, str]) -> bool:
    """Whether the session that a running row names is still there.

    sessions: process ids of the database's sessions. starts: by process id when each began (UTC, ISO, microseconds);
    one that is missing may not be seen, and then the number alone counts.
    """
    pid = facts.get("backend_pid")
    if facts.get("status") != "running" or pid not in sessions:
        return False
    noted, began = facts.get("backend_start"), starts.get(str(pid))
    if not noted or not began:
        return True
    return (
        datetime.fromisoformat(str(noted)).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        == began
    )
