"""What the two talks share: what was said before, questions to the model, and a live look at health."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tools.files import Layout

if TYPE_CHECKING:
    from ..agents.claims import Claim
    from ..agents.model import Model
    from ..graph.chat import Turn
    from ..graph.context import Target
    from .conversation import Conversation

KEPT_TURNS = 200


class Talk:
    """The questions and answers of a thread, in a file that only its owner can read."""

    def __init__(self, state_dir: Path, thread: str) -> None:
        name = hashlib.sha256(thread.encode()).hexdigest()[:24]
        self._folder, self._name = state_dir / "threads", f"{name}.jsonl"
        self.turns: list[Turn] = self._read()

    def keep(self, turn: Turn) -> None:
        """Add a turn, here and on disk."""
        from ..graph.checkpoint import private_file
        from ..tools.records import to_plain

        self.turns.append(turn)
        path = private_file(self._folder, self._name)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(to_plain(turn), ensure_ascii=False) + "\n")

    def _read(self) -> list[Turn]:
        """What is kept; a line that cannot be read is passed over."""
        from ..agents.claims import Claim
        from ..graph.chat import Turn

        found = []
        try:
            lines = (self._folder / self._name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        for line in lines[-KEPT_TURNS:]:
            try:
                data = json.loads(line)
                answer = tuple(Claim(str(c["text"]), tuple(map(str, c["cites"]))) for c in data["answer"])
                found.append(
                    Turn(str(data["question"]), answer, int(data["struck"]), tuple(data["tools"]), data["problem"])
                )
            except (ValueError, KeyError, TypeError):
                continue
        return found


def answer_about_run(
    model: Model,
    state: Mapping[str, Any],
    layout: Layout,
    earlier: Sequence[Turn],
    question: str,
    talk: Conversation,
    on_claim: Callable[[Claim], None],
) -> Turn:
    """The turn that answers a question about a run; the model reads through tools that only look at the state."""
    from ..graph import looking

    def findings() -> str:
        """All findings of the run, one line each, with their ids."""
        return looking.findings(state)

    def finding(id: str) -> str:
        """One finding with reason, fix and what was measured. id: like F-3."""
        return looking.finding(state, id)

    def evidence(id: str) -> str:
        """What was measured under an evidence id. id: like E-0007."""
        return looking.evidence(state, id)

    def statements(migration: str) -> str:
        """The statements of a migration, constants left out. migration: its number or name."""
        return looking.statements(state, migration)

    def rollbacks() -> str:
        """The certificate of every rollback: what going back restores and what it does not."""
        return looking.rollbacks(state)

    def changes() -> str:
        """What the migrations change in the schema, one line per object, with ids."""
        return looking.diff(state)

    def health() -> str:
        """The health checks of the target by status, with ids."""
        return looking.health(state)

    def explain(rule: str) -> str:
        """What a rule means and what to do instead. rule: its id."""
        return looking.explain(rule)

    return answer(
        model,
        "review",
        looking.brief(state),
        (findings, finding, evidence, statements, rollbacks, changes, health, explain),
        earlier,
        question,
        talk,
        on_claim,
        ids=looking.ids_of(state),
        words=looking.words_of(state),
    )


def answer_about_incident(
    model: Model,
    facts: Mapping[str, Any],
    earlier: Sequence[Turn],
    question: str,
    talk: Conversation,
    on_claim: Callable[[Claim], None],
) -> Turn:
    """The turn that answers a question about an incident; the tools read what was seen at its beginning."""
    from ..graph import triaging

    def overview() -> str:
        """The hypotheses, and how much there is of each part of the situation."""
        return triaging.overview(facts)

    def hypothesis(id: str) -> str:
        """One hypothesis with what speaks for it and what can be done. id: like H-1."""
        return triaging.hypothesis(facts, id)

    def part(name: str) -> str:
        """The rows of one part of the situation. name: blocking, transactions, connections, advisory_locks, prepared,
        progress, invalid_indexes, sequences, wraparound or ledger."""
        return triaging.part(facts, name)

    return answer(
        model,
        "triage",
        triaging.brief(facts),
        (overview, hypothesis, part),
        earlier,
        question,
        talk,
        on_claim,
        ids=triaging.ids_of(facts),
        words=triaging.overview(facts),
    )


def answer(
    model: Model,
    prompt: str,
    brief: Mapping[str, Any],
    tools: Sequence[Callable[..., str]],
    earlier: Sequence[Turn],
    question: str,
    talk: Conversation,
    on_claim: Callable[[Claim], None],
    *,
    ids: frozenset[str],
    words: str,
) -> Turn:
    """The turn that answers a question, its sentences shown as they come; then what was left out, if anything."""
    from ..graph import chat

    with talk.working(f"{model.name} looks it up"):
        turn = chat.ask(
            model,
            prompt,
            brief,
            tools,
            earlier,
            question,
            ids=ids,
            words=words,
            on_claim=on_claim,
            seconds=max(30.0, model.settings.timeout_seconds * 2),
        )
    from .screen import safe

    if turn.problem:
        talk.say(f"  [warn]{safe(turn.problem)}[/warn]")
    if turn.struck:
        many = "s were" if turn.struck != 1 else " was"
        talk.say(f"  [quiet]{turn.struck} sentence{many} left out: nothing showed what they said[/quiet]")
    return turn


def show_claim(talk: Conversation, claim: Claim) -> None:
    """One checked sentence of an answer with what it cites."""
    from .screen import safe, write

    cites = f" [quiet]{safe('[' + ', '.join(claim.cites) + ']')}[/quiet]" if claim.cites else ""
    write(talk.console, f"  {safe(claim.text)}{cites}")


def show_health(target: Target | None, talk: Conversation) -> None:
    """The health of a target as it is now: what is not in order with its numbers and advice."""
    from ..tools.health.report import health
    from ..tools.ledger import history
    from .health_screen import show

    if target is None:
        talk.say("No target is set. Say --target NAME, and set its variable.")
        return
    with target.connect() as connection:
        report = health(connection, ledger_rows=history.runs(connection))
    show(f"{target.name} ({target.environment})", report, None)
