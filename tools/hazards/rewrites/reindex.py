"""REINDEX while writes go on."""

from __future__ import annotations

import re

from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter

HEAD = re.compile(r"(REINDEX\s*(?:\([^)]*\)\s*)?(?:INDEX|TABLE|SCHEMA|DATABASE))\b", re.IGNORECASE)
OLDEST = 12


@rewriter(
    rules=("require-concurrent-reindex",),
    on=("reindex_stmt",),
    form="`REINDEX ... CONCURRENTLY`, outside of a transaction (12 and newer)",
)
def rewrite(place: Place) -> list[Part]:
    if place.version < OLDEST:
        raise NoForm(f"before PostgreSQL {OLDEST} there is no REINDEX CONCURRENTLY; build a new index and drop the old")
    text, count = HEAD.subn(r"\1 CONCURRENTLY", place.step.text, count=1)
    if not count:
        raise NoForm("system catalogs cannot be reindexed CONCURRENTLY")
    return [Part(text, Room.OUTSIDE, 1, "reindex")]
