"""migration-settings: server settings that make a migration bite, for information."""

from __future__ import annotations

from ...sql.quote import ident
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, ok

_OFF = {
    "lock_timeout": "a migration run by hand waits for its lock without end, and everyone behind it too",
    "idle_in_transaction_session_timeout": "a forgotten transaction keeps its locks without end",
}


@check(
    "migration-settings",
    title="Settings that bite migrations",
    question="What protects other sessions from a migration that is run by hand?",
    source="PostgreSQL manual, lock_timeout, idle_in_transaction_session_timeout, log_lock_waits",
)
def migration_settings(ask: Ask) -> Outcome:
    """Always ok: 0 is the server's default and agentdb sets its own timeouts. The rows say what is switched off."""
    found = {r["name"]: r for r in ask.rows()}
    off = [
        {"name": name, "value": found[name]["value"], "why": why}
        for name, why in _OFF.items()
        if name in found and found[name]["value"] == "0"
    ]
    if not off:
        return ok("lock_timeout and idle_in_transaction_session_timeout are set", list(found.values()))
    names = wording.listed([r["name"] for r in off])
    advice = Advice(
        "Give the role that migrates a short lock_timeout, and applications an idle_in_transaction_session_timeout.",
        f"ALTER ROLE {ident(ask.server.role)} SET lock_timeout = '2s';\n"
        f"ALTER DATABASE {ident(ask.server.database)} SET idle_in_transaction_session_timeout = '60s';",
    )
    return ok(f"off for this role: {names} (agentdb sets its own when it applies)", off, [advice])
