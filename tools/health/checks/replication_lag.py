"""replication-lag: how far standbys and subscribers are behind."""

from __future__ import annotations

from typing import Any

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, unknown, warn


@check(
    "replication-lag",
    title="Replication lag",
    question="How far are standbys and subscribers behind, or this standby itself?",
    source="PostgreSQL manual, pg_stat_replication; pg_last_xact_replay_timestamp()",
    limits={
        "warn_bytes": Limit(100 * 1024**2, "bytes of WAL behind", "chosen here: some seconds of a busy server"),
        "bad_bytes": Limit(1024**3, "bytes of WAL behind", "chosen here: max_wal_size's default"),
        "warn_seconds": Limit(30, "seconds behind", "max_standby_streaming_delay's default"),
        "bad_seconds": Limit(300, "seconds behind", "chosen here: ten times as much"),
    },
)
def replication_lag(ask: Ask) -> Outcome:
    """unknown when the role may not see the positions of a standby that is connected."""
    found = ask.rows()
    hidden = [r for r in found if r["hidden"]]
    late = [r for r in found if _degree(r, ask)]
    if not late:
        if hidden:
            return unknown(
                f"{wording.count(len(hidden), 'receiver')} may not be looked at: grant pg_monitor to {ask.server.role}"
            )
        return ok(
            f"{wording.count(len(found), 'receiver')}, none behind" if found else "nothing replicates from here", found
        )
    first = max(late, key=lambda r: (_degree(r, ask), r["bytes"] or 0))
    behind = " and ".join(
        said
        for said in (
            wording.size(first["bytes"]) if first["bytes"] is not None else "",
            wording.seconds(first["seconds"]) if first["seconds"] else "",
        )
        if said
    )
    advice = [
        Advice(
            "Slow backfills down while this lasts, and look at the receiver: a long query there, or its disk.",
            "SELECT application_name, state, sent_lsn, write_lsn, flush_lsn, replay_lsn, replay_lag FROM pg_stat_replication;",
        )
    ]
    make = bad if any(_degree(r, ask) == 2 for r in late) else warn
    return make(f"{first['name']} is {behind} behind", late, advice)


def _degree(row: dict[str, Any], ask: Ask) -> int:
    size, late = row["bytes"] or 0, row["seconds"] or 0
    if size >= ask.limits["bad_bytes"] or late >= ask.limits["bad_seconds"]:
        return 2
    return int(size >= ask.limits["warn_bytes"] or late >= ask.limits["warn_seconds"])
