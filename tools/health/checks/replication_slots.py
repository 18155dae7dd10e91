"""replication-slots: slots that nobody reads, for which the server keeps WAL until the disk is full."""

from __future__ import annotations

from typing import Any

from ...sql.quote import literal
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "replication-slots",
    title="Replication slots",
    question="Does a replication slot make the server keep WAL without end?",
    source="PostgreSQL manual, pg_replication_slots (wal_status, inactive_since 17), max_slot_wal_keep_size",
    limits={
        "warn_bytes": Limit(1024**3, "bytes of WAL kept", "chosen here: max_wal_size's default"),
        "bad_bytes": Limit(20 * 1024**3, "bytes of WAL kept", "chosen here: fills small disks; give your own"),
    },
)
def replication_slots(ask: Ask) -> Outcome:
    """bad when a slot keeps bad_bytes or is lost; warn when it keeps warn_bytes, active or not."""
    found = ask.rows()
    judged = [(_degree(r, ask), r) for r in found]
    told = [r for d, r in sorted(judged, key=lambda x: -x[0]) if d]
    if not told:
        return ok(
            f"{wording.count(len(found), 'slot')}, none keeps much WAL" if found else "no replication slot", found
        )
    first = told[0]
    state = "active" if first["active"] else "inactive"
    lost = first["wal_status"] == "lost" or first["invalidation_reason"]
    said = "has lost WAL it needs" if lost else f"keeps {wording.size(first['kept_bytes'])} of WAL"
    advice = [
        Advice(
            f"If nobody reads {r['slot']} any more, drop it; its reader would have to be set up anew. max_slot_wal_keep_size is"
            f" {r['max_slot_wal_keep_size']}.",
            f"SELECT pg_drop_replication_slot({literal(str(r['slot']))});",
        )
        for r in told
        if not r["active"]
    ]
    return (bad if max(d for d, _ in judged) == 2 else warn)(f"{state} slot {first['slot']} {said}", told, advice)


def _degree(row: dict[str, Any], ask: Ask) -> int:
    kept = row["kept_bytes"] or 0
    if row["wal_status"] in ("lost", "unreserved") or row["invalidation_reason"] or kept >= ask.limits["bad_bytes"]:
        return 2
    return int(kept >= ask.limits["warn_bytes"])
