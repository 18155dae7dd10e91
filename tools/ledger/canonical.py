"""One spelling for every value that is hashed or signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .. import naming


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks and only ASCII: the same value gives the same bytes everywhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def sha256(value: Any) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def prefix_sha256(texts: Iterable[str]) -> str:
    """One hash over statements in order, each normalised as files are; "" for none."""
    sums = [naming.checksum(text) for text in texts]
    return sha256(sums) if sums else ""


def strict_json(text: str) -> Any:
    """The value of a JSON text. Errors: ValueError, also for a key that stands twice and for NaN or Infinity."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no JSON number")

    return json.loads(text, object_pairs_hook=once, parse_constant=refuse)


def instant(moment: datetime) -> str:
    """A moment as text: UTC, microseconds, "2026-01-31T09:30:00.000000Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The moment that `instant` wrote. Errors: ValueError for any other spelling."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
