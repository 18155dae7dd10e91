"""Offers for a piece of SQL over a schema, as the fixing of a file makes them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from agentdb.tools.fixes.offer import Offer, offer
from agentdb.tools.fixes.prove import ROWS, Ground, Original
from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import Session
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse


def offered(
    server: SandboxServer, setup: str, sql: str, *, wrapped: bool = True, splits: bool = True, version: int = 18
) -> Offer:
    """What is offered for a file 007_change.sql of that text, on the schema that `setup` makes."""
    with ExitStack() as held:
        database = held.enter_context(server.create())
        made = run_script(database, setup, no_transaction=True, trace=False)
        assert made.ok, made.error
        with database.connect() as connection:
            seed(connection, rows=ROWS)
            before = read_snapshot(connection)
        context = Context(
            pg_version=version, in_transaction=wrapped, before=before, lock_timeout_set=True, splits=splits
        )
        original = Original(sql, Path("007_change.sql"), not wrapped, splits)
        ground = Ground(server, database, original)
        held.callback(ground.close)
        findings = Session(context).check(parse(sql))
        return offer(ground, findings, before, context, taken=["007", "011"])
