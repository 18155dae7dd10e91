"""connections: how near the server, this database or a role is to refusing a login."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "connections",
    title="Connections",
    question="How near is the server, the database or a role to its limit of sessions?",
    source="PostgreSQL manual, max_connections, superuser_reserved_connections, reserved_connections (16); CONNECTION LIMIT",
    limits={
        "warn_ratio": Limit(0.8, "share of the limit in use", "pgEdge alert rules: connection utilization 80 %"),
        "bad_ratio": Limit(0.95, "share of the limit in use", "check_postgres backends: critical at 95 %"),
    },
)
def connections(ask: Ask) -> Outcome:
    """Slots reserved for superusers do not count as available."""
    found = ask.rows()
    limited = [r for r in found if r["available"] is not None]
    ratios = {id(r): (r["used"] / r["available"] if r["available"] > 0 else 1.0) for r in limited}
    full = sorted((r for r in limited if ratios[id(r)] >= ask.limits["warn_ratio"]), key=lambda r: -ratios[id(r)])
    server = next(r for r in limited if r["kind"] == "server")
    if not full:
        return ok(f"{server['used']} of {server['available']} connections in use")
    first = full[0]
    what = {"server": "the server", "database": f"database {first['name']}", "role": f"role {first['name']}"}[
        first["kind"]
    ]
    rows = [*full, *(r for r in found if r["available"] is None)]
    top = next((r for r in found if r["kind"] == "application"), None)
    most = f"; most are of {top['name']} ({top['used']})" if top else ""
    advice = [
        Advice(
            "Lower the pools of the applications with most sessions, or put a pooler in front; raising max_connections needs a restart.",
            "SELECT application_name, usename, state, count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' GROUP BY 1, 2, 3 ORDER BY 4 DESC;",
        )
    ]
    serious = any(ratios[id(r)] >= ask.limits["bad_ratio"] for r in full)
    summary = (
        f"{what} uses {first['used']} of {first['available']} connections ({wording.share(ratios[id(first)])}){most}"
    )
    return (bad if serious else warn)(summary, rows, advice)
