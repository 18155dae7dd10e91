"""invalid-indexes: what a failed CREATE INDEX CONCURRENTLY leaves behind."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "invalid-indexes",
    title="Invalid indexes",
    question="Did an index build fail and leave an index that costs every write and serves no query?",
    source='PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently"; REINDEX; pg_index.indisvalid',
)
def invalid_indexes(ask: Ask) -> Outcome:
    """bad when a unique one is invalid (nothing enforces it), warn for others; ok while one is being built."""
    found = ask.rows()
    building = [r for r in found if r["building"] or r["perhaps_building"]]
    left = [r for r in found if r not in building]
    if not left:
        note = f"; {wording.count(len(building), 'index', 'indexes')} being built now" if building else ""
        return ok(f"no invalid index{note}", building)
    names = wording.listed([f"{r['schema']}.{r['index']}" for r in left])
    enforcing = [r for r in left if r["is_unique"]]
    summary = f"{wording.count(len(left), 'invalid index', 'invalid indexes')}: {names}"
    if enforcing:
        return bad(f"{summary}; nothing enforces uniqueness there", left, [_mend(r) for r in left])
    return warn(f"{summary}; writes pay for it, queries do not use it", left, [_mend(r) for r in left])


def _mend(row: dict[str, object]) -> Advice:
    name, index = qualified(str(row["schema"]), str(row["index"])), str(row["index"])
    if row["partitioned"]:
        return Advice(
            f"{name} becomes valid when every partition has its part: create the missing ones concurrently and attach them.",
            f"ALTER INDEX {name} ATTACH PARTITION <index of a partition>;",
        )
    if "_ccnew" in index or "_ccold" in index:
        return Advice(f"{name} is left from REINDEX CONCURRENTLY: drop it.", f"DROP INDEX CONCURRENTLY {name};")
    definition = row["definition"] or "CREATE INDEX <as it was defined>"
    again = str(definition).replace("INDEX ", "INDEX CONCURRENTLY ", 1)
    return Advice(
        f"Drop {name} and build it again, outside a transaction; find out first why the build failed (duplicates, a deadlock, "
        "a cancelled session).",
        f"DROP INDEX CONCURRENTLY {name};\n{again};",
    )
