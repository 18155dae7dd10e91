"""One of several processes that answer the same thread at the same moment."""

from __future__ import annotations

import json
import multiprocessing
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any


def start(job: dict[str, Any], barrier: Barrier) -> BaseProcess:
    """The process, started. job: root, dsn, approval (text), plan_sha256, raw (go around our own lock), result."""
    context = multiprocessing.get_context("forkserver")
    made = context.Process(target=work, args=(job, barrier))
    made.start()
    return made


def ready() -> Any:
    """The way in which the processes are made: from a server that has everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["support.resumer", "support.shop", "agentdb.graph.build", "langgraph.checkpoint.sqlite"]
    )
    return context


def work(job: dict[str, Any], barrier: Barrier) -> None:
    """Answer the thread when everybody is ready, and write what came of it to the result file."""
    from support.shop import Shop

    from agentdb.errors import AgentdbError, RefusedError
    from agentdb.graph.gate import Answer
    from agentdb.tools.databases.dsn import Dsn

    shop = Shop(Path(job["root"]), Dsn(job["dsn"]))
    told: dict[str, Any] = {}
    try:
        with shop.crew() as crew:
            standing = crew.standing(shop.thread)
            answer = Answer(decision="approve", approval=job["approval"])
            barrier.wait(60)
            if job["raw"]:
                from langgraph.types import Command

                given: Any = Command(resume={standing.interrupt_id: answer.model_dump()})
                config = {"configurable": {"thread_id": shop.thread}, "recursion_limit": 60}
                crew.graph.invoke(given, config, context=crew.context, durability="sync", version="v2")
                standing = crew.standing(shop.thread)
            else:
                standing = crew.answer(shop.thread, answer, job["plan_sha256"])
            told["applied"] = standing.state.get("applied")
    except AgentdbError as error:
        told["error"] = str(error)
        told["reason"] = error.reason if isinstance(error, RefusedError) else type(error).__name__
    except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to know
        told["error"] = f"{type(error).__name__}: {error}"
        told["reason"] = "crash"
    Path(job["result"]).write_text(json.dumps(told), encoding="utf-8")
