"""A server that takes no more logins."""

from __future__ import annotations

from collections.abc import Iterator

from ..hypothesis import Certainty, Hypothesis, Step
from ..situation import Situation

FULL = 0.95  # share of the connections


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Limits of sessions that are all but reached."""
    shown = [f"{r['used']} of application {r['name']}" for r in facts.connections if r["kind"] == "application"][:3]
    states = {r["name"]: r["used"] for r in facts.connections if r["kind"] == "state"}
    for row in facts.connections:
        if row["available"] is None or row["used"] < FULL * row["available"]:
            continue
        where = {"server": "the server", "database": f"database {row['name']}", "role": f"role {row['name']}"}[
            row["kind"]
        ]
        idle = states.get("idle", 0)
        yield Hypothesis(
            "too-many-connections",
            f"{where} has no connections left"
            if row["used"] >= row["available"]
            else f"{where} is almost out of connections",
            Certainty.MEASURED,
            (f"{where} has {row['used']} of {row['available']} sessions in use", *shown, f"{idle} sessions are idle"),
            (
                Step(
                    "wait",
                    "Lower the pool of the largest application and let its sessions go.",
                    "Until they do, new logins are refused, migrations among them.",
                ),
                Step(
                    "terminate",
                    "End sessions that have been idle for ten minutes or more.",
                    "Pools that do not check their connections hand a dead one to the next caller.",
                    sql="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                    " AND state = 'idle' AND state_change < now() - interval '10 minutes' AND pid <> pg_backend_pid();",
                ),
            ),
        )
