"""duplicate-indexes: two indexes that do one index's work."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, ok, warn


@check(
    "duplicate-indexes",
    title="Duplicate and redundant indexes",
    question="Is there an index whose work another index of the same table does as well?",
    source='PostgreSQL manual, "Multicolumn Indexes": a B-tree serves searches on its leading columns; pg_index',
)
def duplicate_indexes(ask: Ask) -> Outcome:
    """warn for each pair. kind "duplicate": the same definition; "redundant": the key begins another one's."""
    found = ask.rows()
    if not found:
        return ok("no index repeats another")
    names = wording.listed([f"{r['index']} ({r['kind']} of {r['kept']})" for r in found])
    total = sum(r["bytes"] for r in found)
    return warn(
        f"{wording.count(len(found), 'index', 'indexes')} without work of its own, {wording.size(total)}: {names}",
        found,
        [_drop(r) for r in found],
    )


def _drop(row: dict[str, object]) -> Advice:
    name = qualified(str(row["schema"]), str(row["index"]))
    if row["constraint"]:
        table = qualified(str(row["schema"]), str(row["table"]))
        return Advice(
            f"{name} backs a constraint that {row['kept']} enforces as well: drop the constraint.",
            f"SET lock_timeout = '2s';\nALTER TABLE {table} DROP CONSTRAINT {ident(str(row['constraint']))};",
        )
    how = "DROP INDEX" if row["partitioned"] else "DROP INDEX CONCURRENTLY"
    return Advice(f"{row['kept']} serves the same searches as {name}.", f"{how} {name};")
