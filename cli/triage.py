"""agentdb triage: work out, in conversation, what is wrong with a live database. Nothing here runs a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..agents.claims import Claim
    from ..agents.model import Model
    from ..graph.context import Target
    from .context import ProjectContext


def triage(
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one that is set)."),
    no_model: bool = typer.Option(False, "--no-model", help="Ask no language model; the slash commands do everything."),
) -> None:
    """Work out, in conversation, what is wrong with a live database."""
    from ..errors import ConfigError
    from . import crew as opening

    project = opening.open_for_crew(no_model)
    goal = opening.target_of(project, target)
    if goal is None:
        named = project.target(target)  # says which targets there are, or which variable is not set
        raise ConfigError(f"environment variable {named.settings.dsn_env} is not set", hint="Set it to the target.")
    Triage(project, goal, opening.model_of(project)).run()


class Triage:
    """One sitting. What was seen is read once at the beginning and again with /situation."""

    def __init__(self, project: ProjectContext, target: Target, model: Model | None) -> None:
        from .conversation import Command, Conversation
        from .talk import Talk

        self.project, self.target, self.model = project, target, model
        self.facts: dict[str, Any] = {}
        commands = [
            Command("/situation", "look again, and show every fact", self.situation, "[part]", self.parts),
            Command("/why", "one hypothesis: what speaks for it, what can be done", self.why, "H-1", self.ids),
            Command("/sql", "the SQL of a numbered step, for you to run", self.sql, "N"),
            Command("/health", "the health checks, asked now", self.health),
            Command("/status", "what agentdb did here, and what is unfinished", self.status),
            Command("/report", "write the incident report", self.report),
            Command("/help", "this list", lambda rest: self.talk.help(rest)),
            Command("/quit", "leave", lambda _: True),
        ]
        state_dir = project.layout.state_dir
        self.talk: Conversation = Conversation(
            commands, self.question, history=state_dir / "history", prompt="triage", status=self.status_line
        )
        self.memory = Talk(state_dir, f"triage:{target.name}")
        self.asked_before = len(self.memory.turns)

    def run(self) -> None:
        """Look, say what it may be, then talk; the report is written at the end."""
        say = self.talk.say
        who = f"{self.model.name} at {self.model.place}" if self.model else "none; the slash commands do everything"
        say(f"[head]agentdb triage[/head]  [quiet]{_safe(self.target.name)}, read-only, model {_safe(who)}[/quiet]")
        self.look()
        self.overview()
        say("/why H-1 says more, /sql N shows a step's SQL, or ask. Nothing is executed here.")
        self.talk.run()
        self.report("")

    def look(self) -> None:
        """Read the situation and weigh it. Errors: DatabaseError."""
        from ..graph.triaging import facts_of
        from ..tools.health.incident import assess, situation
        from ..tools.ledger import history

        with self.talk.working("reading the situation"), self.target.connect() as connection:
            found = situation(connection, ledger_rows=history.runs(connection))
        self.facts = facts_of(found, assess(found))

    def overview(self) -> None:
        from ..graph import triaging

        self.talk.say_text(triaging.overview(self.facts))

    def situation(self, rest: str) -> None:
        from ..graph import triaging

        self.look()
        self.overview()
        self.talk.say()
        self.talk.say_text(triaging.part(self.facts, rest) if rest else triaging.whole(self.facts))

    def why(self, rest: str) -> None:
        from ..graph import triaging

        self.talk.say_text(triaging.hypothesis(self.facts, rest or "H-1"))

    def sql(self, rest: str) -> None:
        from ..graph import triaging

        self.talk.say_code(triaging.step(self.facts, rest))

    def health(self, _: str) -> None:
        from .talk import show_health

        with self.talk.working("asking the target"):
            show_health(self.target, self.talk)

    def status(self, _: str) -> None:
        from ..tools.ledger.status import status
        from .status import show

        with self.target.connect() as connection:
            report = status(self.project.layout, connection)
        show(report, f"{self.target.name} ({self.target.environment})")

    def report(self, _: str) -> None:
        from ..graph import triaging
        from ..tools import files
        from ..tools.records import to_plain
        from ..tools.report.incident import incident_page

        taken = self.facts["situation"]["taken_at"]
        page = incident_page(
            f"{self.target.name} ({self.target.environment})",
            taken,
            triaging.overview(self.facts),
            self.facts["hypotheses"],
            triaging.whole(self.facts),
            [to_plain(t) for t in self.memory.turns[self.asked_before :]],
        )
        stamp = "".join(c for c in str(taken)[:19] if c.isdigit())
        path = self.project.layout.docs_dir / "reports" / f"incident-{self.target.name}-{stamp or 'now'}.md"
        files.write_whole(path, page)
        self.talk.say(f"Incident report: {_safe(path)}")

    def question(self, text: str) -> None:
        if self.model is None:
            self.talk.say(
                "There is no model to ask (set OPENAI_API_KEY or OPENAI_BASE_URL). /help lists what works without."
            )
            return
        from .talk import answer_about_incident

        self.memory.keep(answer_about_incident(self.model, self.facts, self.memory.turns, text, self.talk, self._claim))

    def _claim(self, claim: Claim) -> None:
        from .talk import show_claim

        show_claim(self.talk, claim)

    def parts(self) -> list[str]:
        from ..graph.triaging import PARTS

        return list(PARTS)

    def ids(self) -> list[str]:
        return [h["id"] for h in self.facts.get("hypotheses", ())]

    def status_line(self) -> str:
        number = len(self.facts.get("hypotheses", ()))
        return f"{self.target.name}: {number} hypotheses. Read-only. /help lists the commands, Ctrl-D leaves."


def _safe(text: object) -> str:
    from .screen import safe

    return safe(str(text))
