"""agentdb rollback NNN: the way back from a target in an emergency. Assess, show, gate, carry out, verify, report."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from .options import FORMAT

if TYPE_CHECKING:
    from ...tools.emergency.execute import Outcome
    from ...tools.emergency.facts import Assessment
    from ...tools.emergency.resume import Unfinished
    from ...tools.ledger.approvals import Approval
    from ...tools.ledger.plan import Plan
    from ...tools.sandbox.server import SandboxServer
    from ..context import ProjectContext, Target


def emergency(
    versions: list[str] = typer.Argument(
        ..., help="Numbers or names of the migrations to take back.", show_default=False
    ),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one)."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Assess only: nothing is asked, nothing runs."),
    quick: bool = typer.Option(False, "--quick", help="Do not prove again what still holds by its hashes."),
    approval: Path = typer.Option(None, "--approval", help="The approval (default: the one in .agentdb/approvals)."),
    why: str = typer.Option("", "--why", help="The reason, for the incident report."),
    under_way: str = typer.Option("", "--under-way", help="An unclear interrupted statement is: done | again."),
    wait: float = typer.Option(30.0, "--wait", help="Seconds to wait for another agentdb."),
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Take migrations back from a target: assessed and proven for its state of today, shown, approved, carried out,
    verified, with an incident report. Nothing runs without a fresh approval of exactly this."""
    from ...errors import UsageError
    from ..context import open_project

    if under_way not in ("", "done", "again"):
        raise UsageError("--under-way takes done or again")
    project = open_project()
    goal = project.target(target)
    case = _looked_at(project, goal, versions, quick)
    Session(project, goal, case, format, why, wait, under_way).play(dry_run, approval)


@dataclass(frozen=True, slots=True)
class Case:
    """What was asked for and what was found. begun: an earlier rollback of these that has not ended; continues: nothing
    more is asked for than that one was about."""

    found: Assessment
    begun: Unfinished | None
    continues: bool


@dataclass(frozen=True, slots=True)
class Session:
    """From the assessment to the report."""

    project: ProjectContext
    goal: Target
    case: Case
    format: str
    why: str
    wait: float
    under_way: str

    def play(self, dry_run: bool, given: Path | None) -> None:
        """All of it. Errors: RefusedError, RollbackError and the others that tools/ledger/apply.py knows."""
        from ...tools.ledger import plan as plans
        from . import emergency_screen as screen

        found, begun = self.case.found, self.case.begun
        if self.format == "text":
            screen.show(found, begun, self.goal.settings.lock_timeout)
        if found.refusal is not None:
            self._json(None, None)
            raise found.refusal
        if not found.labels:
            return self._json(None, None)
        if dry_run:
            if self.format == "text":
                screen.next_step(found, begun)
            return self._json(None, None)
        from . import emergency_gate as gate

        plan = found.plan
        assert plan is not None
        if begun and self.case.continues and given is None and gate.kept_for(self.project, self.goal, plan) is None:
            outcome = self._continued(begun)
            if outcome is not None:
                return self._finish(begun.plan, begun.approval, outcome)
        approval = gate.approval_for(self.project, self.goal, plan, given, ask=self.format == "text")
        signed = plans.from_json(approval.plan) if approval else plan
        self._finish(signed, approval, self._carried_out(signed, approval, resume=begun is not None))

    def _continued(self, begun: Unfinished) -> Outcome | None:
        """The interrupted run, continued under its own approval; None when that no longer holds."""
        from datetime import UTC, datetime

        from ...tools.emergency.execute import refused

        if datetime.now(UTC) >= begun.approval.expires_at:
            return None
        outcome = self._carried_out(begun.plan, begun.approval, resume=True)
        if refused(outcome) and outcome.error is not None:
            if self.format == "text":
                typer.echo(f"\nThe approval of then does not do for the rest: {outcome.error.what}.")
            return None
        return outcome

    def _carried_out(self, plan: Plan, approval: Approval | None, *, resume: bool) -> Outcome:
        from ...tools.emergency import execute
        from .. import ledger

        request = ledger.request(
            self.project,
            self.goal,
            approval,
            names=[m.label for m in plan.migrations],
            resume=resume,
            under_way=self.under_way,
            wait_seconds=self.wait,
        )
        expected = self.case.found.plan.expected_fingerprint if self.case.found.plan else ""
        return execute.execute(dataclasses.replace(request, expected_fingerprint=expected), plan)

    def _finish(self, plan: Plan, approval: Approval | None, outcome: Outcome) -> None:
        """The report, the screen, and the error that there was."""
        from ...tools.emergency import incident
        from . import emergency_screen as screen

        paths: tuple[Path, ...] = ()
        if outcome.began_work or outcome.result is not None:
            told = incident.record(self.case.found, plan, approval, outcome, self.why)
            paths = incident.write(self.project.layout, told)
        if outcome.result is not None:
            self._remove_partial_scripts(plan)
        if self.format == "text":
            screen.show_outcome(outcome, paths, self.project.layout.root)
        self._json(outcome, paths[0] if paths else None)
        if outcome.error is not None:
            self._say_detail(outcome)
            raise outcome.error

    def _say_detail(self, outcome: Outcome) -> None:
        from ...errors import StatementError
        from ..apply import say_detail

        if isinstance(outcome.error, StatementError):
            say_detail(outcome.error)

    def _remove_partial_scripts(self, plan: Plan) -> None:
        from ...tools.ledger.plan import PARTIAL

        for planned in plan.migrations:
            (self.project.layout.rollback / f"{planned.label}{PARTIAL}").unlink(missing_ok=True)

    def _json(self, outcome: Outcome | None, report: Path | None) -> None:
        if self.format != "json":
            return
        from ...tools.emergency import incident
        from ..screen import print_json

        begun = self.case.begun
        told: dict[str, Any] = {
            "schema_version": incident.SCHEMA_VERSION,
            "assessment": incident.plain_assessment(self.case.found),
            "interrupted": {"line": begun.line, "done": begun.done, "left": begun.left} if begun else None,
            "outcome": None,
        }
        if outcome is not None:
            told["outcome"] = {
                "verdict": incident.verdict(outcome),
                "verification": outcome.result.verification if outcome.result else None,
                "statements": outcome.statements,
                "error": str(outcome.error) if outcome.error else "",
                "report": report,
            }
        print_json(told)


def _looked_at(project: ProjectContext, goal: Target, versions: list[str], quick: bool) -> Case:
    """The assessment, and an earlier run that has not ended."""
    from ...tools.emergency.assess import Question, assess
    from ...tools.emergency.resume import unfinished
    from ...tools.ledger import history
    from .. import ledger
    from .. import test_screen as screen

    chosen = ledger.chosen(project, versions) or []
    with screen.progress(f"looking at {goal.name}") as say, ledger.looking(goal) as conn:
        begun = unfinished(conn, history.runs(conn), {m.number for m in chosen})
        asked = {m.label for m in chosen}
        if begun and not set(begun.left) <= asked:
            begun = None  # less is asked for than was left then: that is another decision
        found = assess(
            Question(
                layout=project.layout,
                conn=conn,
                dsn=goal.dsn,
                chosen=chosen,
                target=goal.name,
                environment=goal.settings.environment,
                policy=ledger.policy(project),
                heads=ledger.certificates(project),
                sandbox=lambda: _sandbox(project),
                quick=quick,
                rows=project.settings.sandbox.rows,
                say=say,
            )
        )
    return Case(found, begun, begun is not None and asked <= set(begun.plan.labels))


def _sandbox(project: ProjectContext) -> AbstractContextManager[SandboxServer]:
    from ...tools.sandbox.server import sandbox_server

    return sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
