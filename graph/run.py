"""Starting, resuming and watching a thread: what the commands and the talk call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..agents.model import Model
from ..config import Settings
from ..errors import RefusedError
from ..tools import naming
from ..tools.databases.dsn import Dsn
from ..tools.durations import seconds
from ..tools.files import Layout
from .checkpoint import checkpointer, held
from .context import Context, Target, now
from .gate import Answer, is_question
from .state import FORMAT, Plain, Request
from .workbench import Workbench

if TYPE_CHECKING:
    from datetime import datetime

    from langchain_core.runnables import RunnableConfig

    from ..tools.ledger.plan import Plan
    from .build import Compiled

Listener = Callable[[Mapping[str, Any]], None]


def silent(event: Mapping[str, Any]) -> None:
    """A listener that listens to nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a thread stands. state: {} for one that never ran. question: what a person is being asked, else None.
    unfinished: it stopped in the middle of its work and can go on."""

    thread: str
    state: Plain = field(default_factory=dict)
    question: Plain | None = None
    interrupt_id: str = ""
    unfinished: bool = False

    @property
    def is_new(self) -> bool:
        return not self.state

    @property
    def verdict(self) -> Plain:
        found: Plain = self.state.get("verdict") or {}
        return found


class Crew:
    """The graph with its store and its context."""

    def __init__(self, graph: Compiled, context: Context) -> None:
        self.graph = graph
        self.context = context

    def start(self, thread: str, request: Request, listen: Listener = silent) -> Standing:
        """The thread run from its beginning, on the files as they are now; an earlier run in it is forgotten."""
        with held(self.context.layout.state_dir, thread):
            return self._go({"request": request}, thread, listen)

    def go_on(self, thread: str, listen: Listener = silent) -> Standing:
        """A thread that stopped in the middle of its work, from there. Errors: RefusedError("nothing-to-do")."""
        with held(self.context.layout.state_dir, thread):
            if not self.standing(thread).unfinished:
                raise RefusedError(f"thread {thread} has nothing left to do", reason="nothing-to-do")
            return self._go(None, thread, listen)

    def answer(self, thread: str, answer: Answer, plan_sha256: str, listen: Listener = silent) -> Standing:
        """The thread resumed with a person's answer to the question about this plan.

        Errors: RefusedError("not-waiting") when the thread asks nothing, or asks about another plan by now.
        """
        from langgraph.types import Command

        with held(self.context.layout.state_dir, thread):
            standing = self.standing(thread)
            if standing.question is None:
                raise RefusedError(
                    f"thread {thread} asks nothing; it may have been answered already",
                    reason="not-waiting",
                    hint="agentdb status says what is applied.",
                )
            if standing.question["plan_sha256"] != plan_sha256:
                raise RefusedError(
                    "the thread asks about another plan by now",
                    reason="not-waiting",
                    hint="Look at it again: agentdb review.",
                )
            return self._go(Command(resume={standing.interrupt_id: answer.model_dump()}), thread, listen)

    def standing(self, thread: str) -> Standing:
        """Where a thread stands now."""
        found = self.graph.get_state(_config(thread))
        asked = next((i for i in found.interrupts if is_question(i.value)), None)
        return Standing(
            thread=thread,
            state=dict(found.values),
            question=asked.value if asked else None,
            interrupt_id=asked.id if asked else "",
            unfinished=bool(found.tasks) and not found.interrupts,
        )

    def _go(self, given: Any, thread: str, listen: Listener) -> Standing:
        parts = self.graph.stream(
            given,
            _config(thread),
            context=self.context,
            stream_mode=["custom"],
            subgraphs=True,
            version="v2",
            durability="sync",
        )
        for part in parts:
            if part["type"] == "custom":
                listen(part["data"])
        return self.standing(thread)


@contextlib.contextmanager
def crew(
    settings: Settings,
    layout: Layout,
    environ: Mapping[str, str],
    *,
    allowed_signers: Path,
    who: str,
    target: Target | None = None,
    model: Model | None = None,
    forbidden: Sequence[Dsn] = (),
    clock: Callable[[], datetime] = now,
    sandbox_home: Path | None = None,
) -> Iterator[Crew]:
    """The crew for the length of a block. forbidden: databases that the sandbox must never be."""
    from .build import build

    with (
        checkpointer(settings, layout.state_dir, environ) as saver,
        workbench(settings, layout, environ, target, forbidden, sandbox_home) as bench,
    ):
        yield Crew(build(saver), Context(settings, layout, bench, allowed_signers, who, target, model, clock))


def workbench(
    settings: Settings,
    layout: Layout,
    environ: Mapping[str, str],
    target: Target | None,
    forbidden: Sequence[Dsn] = (),
    home: Path | None = None,
) -> Workbench:
    """The sandbox as the settings say. Nothing is started yet."""
    from ..tools import files
    from ..tools.databases.dsn import dsn_from_environment
    from ..tools.sandbox.server import sandbox_server

    name = settings.sandbox.server_dsn_env
    own = dsn_from_environment(name, environ) if name else None
    return Workbench(
        lambda: sandbox_server(server_dsn=own, forbidden=forbidden, data_dir=home),
        target=target.dsn if target else None,
        applied=lambda: [m for m in files.discover(layout) if m.state == "applied"] if layout.base.is_dir() else [],
        root=layout.root,
        rows=settings.sandbox.rows,
        timeout=seconds(settings.sandbox.statement_timeout),
    )


def thread_for(settings: Settings, target: Target | None, request: Request) -> str:
    """The thread of a piece of work: the project, the target, and the migration, range or pull request."""
    project = settings.project.name or settings.root.resolve().name
    return f"{project}:{target.name if target else 'no-target'}:{request.get('name') or 'pending'}"


def name_for(paths: Sequence[Path]) -> str:
    """The name of a run by its files: "pending", "007_add_email", or "007_add_email-to-009_drop_fax"."""
    stems = [p.stem for p in sorted(paths, key=lambda p: p.name)]
    if not stems:
        return "pending"
    return stems[0] if len(stems) == 1 else f"{stems[0]}-to-{stems[-1]}"


def plan_now(question: Mapping[str, Any], context: Context) -> Plan:
    """The plan that a question is about, made again from the files on disk and the target as they are now.

    This is what a person signs, never what a thread has stored. Errors: RefusedError("plan-mismatch") when it is not
    the plan that was shown; as ledger.plan.build_plan.
    """
    from ..tools.ledger import plan as plans

    if context.target is None:
        raise RefusedError("there is no target", reason="no-target", hint="Say --target NAME.")
    shown = plans.from_json(question["plan"])
    with context.target.connect() as connection:
        made = plans.build_plan(
            context.layout,
            [plans.find(context.layout, label) for label in shown.labels],
            connection,
            environment=context.target.environment,
            policy=context.policy(),
            kind=shown.kind,
            certificates={m.label: m.certificate for m in shown.migrations},
            expected_fingerprint=shown.expected_fingerprint,
            evidence_sha256=shown.evidence_sha256,
        )
    if made.sha256 != question["plan_sha256"]:
        raise RefusedError(
            "files or target changed since the crew looked at them",
            reason="plan-mismatch",
            hint="Run the crew again.",
        )
    return made


def is_stale(standing: Standing, layout: Layout) -> bool:
    """Whether a migration of the thread is not on disk any more as the crew saw it, there or, once applied, in applied/;
    or an older agentdb left it."""
    if standing.state.get("run", {}).get("format") != FORMAT:
        return True
    for known in standing.state.get("migrations", ()):
        path = layout.root / known["path"]
        if not path.exists():
            path = layout.applied / path.name
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return True
        if naming.checksum(text) != known["sha256"]:
            return True
    return False


def _config(thread: str) -> RunnableConfig:
    from .build import RECURSION_LIMIT

    return {"configurable": {"thread_id": thread}, "recursion_limit": RECURSION_LIMIT, "max_concurrency": 8}
