"""Rows that a migration keeps before it runs: refused where that would be more than the project allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import RefusedError
from ..databases.copies import copies_of, sizes, words

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from .gate import Item


def refuse_large(conn: Connection, items: Iterable[Item], limit: int) -> None:
    """Nothing, when what each migration copies first is at most `limit` bytes by the target's own catalogs.

    Only the catalogs are asked. What a script does beside plain copies (a DO block) is not weighed.
    Errors: RefusedError("copy-too-large"); psycopg.Error.
    """
    for item in items:
        if item.capture is None or (item.row is not None and item.row.captured):
            continue
        script = "".join(f"{text};\n" for text in item.capture.texts())
        found = sizes(conn, copies_of(script).copies)
        most = sum(size.high for size in found)
        if most <= limit:
            continue
        largest = max(found, key=lambda size: size.high)
        raise RefusedError(
            f"{item.planned.label} would copy up to {words(most)} before it runs (most of it {largest.copy.source});"
            f" rollback.max_copy is {words(limit)}",
            reason="copy-too-large",
            where=str(item.migration.path),
            hint=f"Write it so that nothing is copied: agentdb rollback set-aside {item.migration.path}."
            " Or raise rollback.max_copy in agentdb.toml.",
        )
