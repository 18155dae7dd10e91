"""A script on its way through the rewriters: for each statement what would take its place, or why nothing does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ...schema.model import Snapshot
from ...sql.grammar import GrammarError
from ...sql.parse import Script
from ..context import Context
from ..run import Session, Walk
from ..step import Step
from ..transaction import Transaction
from .place import Place
from .registry import NoForm, Part, Room, answered, rewriters

# Gone with the long work itself: what is left of the statement takes its locks for a moment.
FOLLOWS = {"holding-lock-during-work"}


@dataclass(slots=True)
class Rewritten:
    """What became of one statement. parts: what takes its place; empty when it goes. rules: the findings that were
    answered. refused: rule -> why there is no form here."""

    index: int
    parts: list[Part] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)


def rewritten(
    script: Script,
    wanted: Collection[tuple[int, str]],
    context: Context,
    before: Snapshot,
    after: Snapshot | None,
    *,
    version: int,
    in_transaction: bool,
    session: Session | None = None,
) -> dict[int, Rewritten]:
    """What the rewriters make of a script, by the number of the statement; statements without a wanted finding are
    left out.

    wanted: (statement, rule) of the findings to answer. before, after: the schema that the script finds, and
    leaves (None when it does not run). version: the oldest
    of target and sandbox. session: what earlier scripts taught; it learns from this one.
    """
    walk = _Walk(session or Session(context), script, "", Transaction(wrapped=in_transaction))
    walk.wanted = {}
    for statement, rule in wanted:
        if rule in answered():
            walk.wanted.setdefault(statement, set()).add(rule)
    walk.before, walk.after, walk.version, walk.results = before, after, version, {}
    walk.all()
    return walk.results


class _Walk(Walk):
    """The rules' own walk; where they have judged a statement, the rewriters are asked."""

    wanted: dict[int, set[str]]
    before: Snapshot
    after: Snapshot | None
    version: int
    results: dict[int, Rewritten]

    def judge(self, step: Step) -> None:
        super().judge(step)
        rules = self.wanted.get(step.index)
        if not rules or step.node_name == "opaque":
            return
        if step.node_name == "end_of_script":
            self.left_open(step, rules)
            return
        if step.inside:
            here = {r.id for r, _ in step.found} & rules
            result = self.results.setdefault(step.index, Rewritten(step.index))
            for rule in here - result.rules:
                result.refused[rule] = f"it stands inside {step.inside}, which is one statement to the server"
            return
        result = self.results.setdefault(step.index, Rewritten(step.index))
        if step.actions:
            self.by_action(step, rules, result)
        if not result.rules:
            parts = self.ask(step, None, rules, result)
            if parts is not None:
                result.parts = parts
        if result.rules:
            result.rules |= rules & FOLLOWS
        for rule in rules - result.rules - result.refused.keys():
            result.refused[rule] = "no rewriter knows this shape of the statement"
        for rule in result.rules:
            result.refused.pop(rule, None)

    def left_open(self, step: Step, rules: set[str]) -> None:
        """A BEGIN without its COMMIT: the file does without both, whatever is written anew."""
        if "leaving-transaction-open" in rules:
            result = self.results.setdefault(step.index, Rewritten(step.index))
            if not result.rules:
                result.parts = [untouched(self.script, step.index)]
            result.rules.add("leaving-transaction-open")
            result.refused.pop("leaving-transaction-open", None)

    def ask(self, step: Step, action: Any, rules: set[str], result: Rewritten) -> list[Part] | None:
        """The parts of the first rewriter that has an answer."""
        place = Place(step, action, self.before, self.after, self.version, frozenset(rules), len(step.actions) > 1)
        for one in rewriters():
            mine = rules & set(one.rules)
            if not mine or (one.on and step.node_name not in one.on):
                continue
            if (action.kind not in one.actions) if action is not None else bool(one.actions):
                continue
            try:
                parts = one.rewrite(place)
            except (NoForm, GrammarError) as reason:
                for rule in mine - result.rules:
                    result.refused.setdefault(rule, str(reason))
                continue
            if parts is not None:
                result.rules |= mine
                return parts
        return None

    def by_action(self, step: Step, rules: set[str], result: Rewritten) -> None:
        """An ALTER TABLE taken apart: actions with a safe form go their ways, the others stay together."""
        place = Place(step, None, self.before, self.after, self.version, frozenset(rules))
        made: list[Part] = []
        kept: list[Any] = []

        def flush() -> None:
            if kept:
                made.append(Part(place.only(kept)))
                kept.clear()

        for action in step.actions:
            parts = self.ask(step, action, rules, result)
            if parts is None:
                kept.append(action.node)
            else:
                flush()
                made.extend(parts)
        if result.rules:
            flush()
            result.parts = made


def untouched(script: Script, index: int) -> Part:
    """A statement as it stands."""
    statement = script.statements[index].statement
    return Part(statement.text, Room.OUTSIDE if statement.transactional is False else Room.TOGETHER)
