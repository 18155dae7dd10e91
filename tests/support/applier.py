"""An apply in a process of its own, which can end itself violently at a named point."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from agentdb.errors import AgentdbError, RefusedError
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.files import Layout
from agentdb.tools.ledger import approvals
from agentdb.tools.ledger.apply import ApplyRequest, apply, roll_back
from agentdb.tools.ledger.execute import Limits


def start(job: dict[str, Any]) -> BaseProcess:
    """The process, started. job: root, dsn, approval (a path), kind, resume, die_at, result (a path)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.applier", "psycopg", "agentdb.tools.schema.snapshot"])
    made = context.Process(target=work, args=(job,))
    made.start()
    return made


def work(job: dict[str, Any]) -> None:
    """Apply or roll back as the job says, and write what came of it to its result file."""

    def checkpoint(point: str) -> None:
        with open(f"{job['result']}.points", "a", encoding="utf-8") as file:
            file.write(point + "\n")
        if point == job.get("die_at"):
            os.kill(os.getpid(), signal.SIGKILL)

    layout = Layout(Path(job["root"]))
    request = ApplyRequest(
        layout=layout,
        dsn=Dsn(job["dsn"]),
        environment="prod",
        approval=approvals.read(Path(job["approval"])),
        allowed_signers=layout.state_dir / "allowed_signers",
        who="tester@here",
        limits=Limits(lock_timeout="100ms", lock_wait_seconds=60, retry_seconds=0.001),
        resume=job.get("resume", False),
        checkpoint=checkpoint,
    )
    try:
        result = (roll_back if job.get("kind") == "rollback" else apply)(request)
        told: dict[str, Any] = {"done": [d.label for d in result.done]}
    except AgentdbError as error:
        told = {"error": type(error).__name__, "what": str(error)}
        if isinstance(error, RefusedError):
            told["reason"] = error.reason
    Path(job["result"]).write_text(json.dumps(told), encoding="utf-8")
