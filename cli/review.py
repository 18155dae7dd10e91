"""agentdb review: a talk about migrations, with the crew's results at hand and the decision at its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..agents.claims import Claim
    from ..graph.run import Crew, Standing
    from ..graph.state import Request
    from .context import ProjectContext
    from .conversation import Conversation


def review(
    file: Path = typer.Argument(None, help="A migration (default: all that are pending)."),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one that is set)."),
    thread: str = typer.Option(None, "--thread", help="The talk to go on with (default: by project and migration)."),
    no_model: bool = typer.Option(False, "--no-model", help="Ask no language model; the slash commands do everything."),
) -> None:
    """Talk a migration through with the crew and decide."""
    from ..graph.run import name_for, thread_for
    from . import crew as opening

    project = opening.open_for_crew(no_model)
    goal = opening.target_of(project, target)
    paths = [file] if file else []
    request: Request = {
        "files": opening.relative_to(project, paths),
        "wants_apply": goal is not None,
        "name": name_for(paths),
    }
    name = thread or thread_for(project.settings, goal, request)
    with opening.crew_of(project, goal, opening.model_of(project)) as crew:
        Review(project, crew, name, request).run()


class Review:
    """One sitting of a talk. What it is about lies in the thread; what was said, in a file beside it."""

    def __init__(self, project: ProjectContext, crew: Crew, thread: str, request: Request) -> None:
        from .conversation import Command, Conversation
        from .talk import Talk

        self.project, self.crew, self.thread, self.request = project, crew, thread, request
        self.standing: Standing = crew.standing(thread)
        state_dir = project.layout.state_dir
        commands = [
            Command("/report", "the verdict, what to do, and everything found", self.report),
            Command("/why", "one finding: reason, fix and what was measured", self.why, "F-3", self.finding_ids),
            Command("/sql", "the SQL of a migration, or of all", self.sql, "[NNN]", self.labels),
            Command("/rollback", "the way back: certificate and script", self.rollback, "[NNN]", self.labels),
            Command("/diff", "what changes in the schema", self.diff),
            Command("/erd", "the diagram of the schema afterwards (Mermaid)", self.erd),
            Command("/health", "the target's health, asked now", self.health),
            Command("/notes", "what the agents say", self.notes),
            Command("/run", "send the files through the crew again", self.again),
            Command("/approve", "sign the plan with your key", self.approve),
            Command("/reject", "end this with a no", self.reject, "[why]"),
            Command("/apply", "carry out the approved plan", self.apply),
            Command("/help", "this list", self.help),
            Command("/quit", "leave; the thread stays", lambda _: True),
        ]
        self.talk: Conversation = Conversation(
            commands, self.question, history=state_dir / "history", status=self.status_line
        )
        self.memory = Talk(state_dir, thread)

    def run(self) -> None:
        """Open where the thread stands, then talk."""
        self.open()
        self.talk.run()

    def open(self) -> None:
        from ..graph.run import is_stale

        say = self.talk.say
        model = self.crew.context.model
        who = f"{model.name} at {model.place}" if model else "none; the slash commands do everything"
        say(f"[head]agentdb review[/head]  [quiet]thread {_safe(self.thread)}, model {_safe(who)}[/quiet]")
        if self.standing.is_new:
            self.work()
        elif is_stale(self.standing, self.project.layout):
            say("The files changed since the crew looked at them; running again.")
            self.work()
        elif self.standing.unfinished:
            say("The crew was interrupted last time; going on from there.")
            self.go_on()
        else:
            turns = len(self.memory.turns)
            said = f", {turns} question{'s' if turns != 1 else ''} asked so far" if turns else ""
            say(f"Going on with this thread{said}.")
            self.report("short")
        self.say_where_it_stands()

    def work(self) -> None:
        """Send the migrations through the crew, with its progress, and show the report."""
        from .report_screen import listener

        self.standing = self.crew.start(self.thread, self.request, listener(self.talk.console))
        self.show_report(self.standing.state["report"])
        self.talk.say()

    def go_on(self) -> None:
        from .report_screen import listener
        from .run import show_outcome

        self.standing = self.crew.go_on(self.thread, listener(self.talk.console))
        if self.standing.state.get("applied"):
            show_outcome(self.standing)
        elif record := self.standing.state.get("report"):
            self.show_report(record)

    def show_report(self, record: Mapping[str, Any]) -> None:
        from ..tools.report.record import with_times
        from .report_screen import show

        state = self.standing.state
        show(with_times(record, state), state.get("timings"), self.talk.console)

    def say_where_it_stands(self) -> None:
        """One line: what the thread waits for."""
        say, standing = self.talk.say, self.standing
        question = standing.question
        if question and question["kind"] == "rollback":
            say(f"[warn]Going back is offered:[/warn] {_safe(question['why'])}")
            say("/rollback shows the scripts; /approve signs taking it back, /reject leaves it as it is.")
        elif question:
            from . import deciding

            if deciding.kept_approval(self.project, question["plan_sha256"]):
                say("This plan is approved. /apply carries it out.")
            else:
                name = question["target"]["name"]
                say(f"Waiting for your decision on {_safe(name)}: /approve, /reject, or ask. /help lists the commands.")
        elif standing.state.get("applied"):
            applied = standing.state["applied"]
            word = "is applied and verified" if applied["ok"] else "was not carried out as planned"
            say(f"This work {word}. /run looks for what is pending now.")
        elif standing.state.get("decision", {}).get("decision") == "reject":
            say("This plan was rejected. /run looks again.")
        elif standing.verdict.get("word") == "blocked":
            say("Blocked: mend the files, then /run. /why F-1 says more about a finding.")
        elif not self.crew.context.target:
            say("No target is set, so there is nothing to approve. Ask, or /help.")
        else:
            say("Nothing waits for a decision. /help lists the commands.")

    # what the slash commands do

    def report(self, rest: str) -> None:
        from .report_screen import show_verdict

        record = self.standing.state.get("report")
        if not record:
            self.talk.say("There is no report yet; /run makes one.")
        elif rest == "short":
            show_verdict(record, self.talk.console)
        else:
            self.show_report(record)
            files = self.standing.state.get("reports") or ()
            if files:
                self.talk.say(f"[quiet]Written to {_safe(', '.join(files))}[/quiet]")

    def why(self, rest: str) -> None:
        from ..graph import looking

        self.talk.say_text(looking.finding(self.standing.state, rest or "F-1"))

    def sql(self, rest: str) -> None:
        from ..graph import looking

        self.talk.say_code(looking.sql(self.standing.state, self.project.layout, rest))

    def rollback(self, rest: str) -> None:
        from ..graph import looking

        self.talk.say_code(looking.rollback(self.standing.state, self.project.layout, rest))

    def diff(self, _: str) -> None:
        from ..graph import looking

        self.talk.say_text(looking.diff(self.standing.state))

    def erd(self, _: str) -> None:
        from ..graph import looking

        self.talk.say_code(looking.erd(self.standing.state, self.project.layout))

    def notes(self, _: str) -> None:
        from ..graph import looking

        self.talk.say_text(looking.notes(self.standing.state))

    def health(self, _: str) -> None:
        from .talk import show_health

        with self.talk.working("asking the target"):
            show_health(self.crew.context.target, self.talk)

    def help(self, rest: str) -> None:
        self.talk.help(rest)
        if self.crew.context.model:
            self.talk.say(
                "[quiet]Anything else is a question to the model, which looks things up and cites them.[/quiet]"
            )

    def again(self, _: str) -> None:
        self.work()
        self.say_where_it_stands()

    def approve(self, _: str) -> None:
        from . import deciding

        question = self._question()
        blockers = self.standing.verdict.get("reasons") or ()
        if question["kind"] == "apply" and blockers:
            self.talk.say("[head]Know before you sign:[/head]")
            for line in blockers:
                self.talk.say(f"  {_safe(line)}")
        approval = deciding.sign_in_person(
            self.project, self.crew.context, question, lambda message: self.talk.read(message, plain=True)
        )
        until = approval.payload["expires"][:16].replace("T", " ")
        self.talk.say(
            f"[good]Approved[/good] by {_safe(approval.payload['approver'])} until {until} UTC. /apply carries it out."
        )

    def reject(self, rest: str) -> None:
        from ..graph.gate import Answer
        from .report_screen import listener

        question = self._question()
        answer = Answer(decision="reject", reason=rest[:2000])
        self.standing = self.crew.answer(self.thread, answer, question["plan_sha256"], listener(self.talk.console))
        self.talk.say("Rejected; nothing was changed. /run looks again.")

    def apply(self, _: str) -> None:
        from ..graph.gate import Answer
        from . import deciding
        from .report_screen import listener
        from .run import show_outcome

        question = self._question()
        sha = question["plan_sha256"]
        approval = deciding.kept_approval(self.project, sha)
        needed = self.crew.context.policy().needs_approval(question["target"]["environment"])
        if approval is None and needed:
            self.talk.say("Nobody has approved this plan yet: /approve first.")
            return
        text = deciding.as_text(approval) if approval else ""
        answer = Answer(decision="approve", approval=text)
        try:
            self.standing = self.crew.answer(self.thread, answer, sha, listener(self.talk.console))
        finally:
            self.standing = self.crew.standing(self.thread)
        show_outcome(self.standing)
        if self.standing.question:
            self.say_where_it_stands()

    def question(self, text: str) -> None:
        """A free question: to the model when there is one, else a word about the commands."""
        model = self.crew.context.model
        if model is None:
            self.talk.say(
                "There is no model to ask (set OPENAI_API_KEY or OPENAI_BASE_URL). /help lists what works without."
            )
            return
        from .talk import answer_about_run

        turn = answer_about_run(
            model, self.standing.state, self.project.layout, self.memory.turns, text, self.talk, self._claim
        )
        self.memory.keep(turn)

    def _claim(self, claim: Claim) -> None:
        from .talk import show_claim

        show_claim(self.talk, claim)

    # helpers of the above

    def _question(self) -> dict[str, Any]:
        """The question that the thread asks now. Errors: RefusedError("not-waiting")."""
        from ..errors import RefusedError

        self.standing = self.crew.standing(self.thread)
        if self.standing.question is None:
            word = self.standing.verdict.get("word")
            hint = "Mend what /report names, then /run." if word == "blocked" else "/run looks for what is pending."
            raise RefusedError("there is nothing to decide in this thread now", reason="not-waiting", hint=hint)
        return self.standing.question

    def finding_ids(self) -> list[str]:
        return [f["id"] for f in self.standing.state.get("findings") or ()]

    def labels(self) -> list[str]:
        return [m["label"] for m in self.standing.state.get("migrations") or ()]

    def status_line(self) -> str:
        word = self.standing.verdict.get("word", "no report")
        wait = ", waiting for your decision" if self.standing.question else ""
        return f"{self.thread}: {word}{wait}. /help lists the commands, Ctrl-D leaves."


def _safe(text: object) -> str:
    from .screen import safe

    return safe(str(text))
