"""The rules: one record and one decorated function a file in rules/, found by name.

    @rule(id="ban-x", title=..., on=("drop_stmt",), ...)
    def check(step: Step) -> Iterator[Hit]:
        yield Hit(why="what it does; whom it hurts", fix="what to write instead", relation=...)

Adding a rule touches its file only.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..records import Severity

if TYPE_CHECKING:
    from .step import Step


class Category(StrEnum):
    """What a rule is about; also the order of the documentation."""

    LOCKS = "locks, scans and rewrites"
    DATA = "data loss and data-dependent failure"
    COMPATIBILITY = "application compatibility"
    HYGIENE = "transactions and files"
    POLICY = "design advice"
    UNKNOWN = "what cannot be judged"
    MEASURED = "what the sandbox saw"
    TARGET = "what the target's rows say"
    QUERIES = "what the application's queries say"


# Why no rewrite answers rules of these kinds, where the rule itself has nothing better to say.
UNFIXED = {
    Category.HYGIENE: "It is about the file, not about what the statement does to others: mend the text.",
    Category.POLICY: "It is advice on the design: another form would be another schema, and that is for you to decide.",
    Category.UNKNOWN: "What cannot be judged cannot be rewritten.",
    Category.MEASURED: "The sandbox saw it and no rule foresaw it: see the evidence.",
}


class Effect(StrEnum):
    """What the server shows when the hazard is real; how the sandbox confirms or refutes a finding."""

    REWRITE = "rewrite"  # the table's file is written anew
    SCAN = "scan"  # every row is read
    BUILD = "index build"  # an index is built over existing rows
    LOCK = "lock"  # the lock itself is the hazard
    FAILS = "failure"  # PostgreSQL refuses the statement
    RUNS = "execution"  # the statement does what it says
    NONE = "text"  # advice on the text; nothing to measure


class Hit(NamedTuple):
    """A place where a rule holds.

    why: two sentences, what the statement does and whom it hurts. fix: the third, with SQL ready to paste.
    relation: the table that the effect falls on (catalog key). effect, severity: other than the rule's own.
    """

    why: str
    fix: str
    relation: str = ""
    objects: tuple[str, ...] = ()
    severity: Severity | None = None
    effect: Effect | None = None
    lock: str = ""


Check = Callable[["Step"], Iterable[Hit]]


class Rule(NamedTuple):
    """A rule as the registry, the documentation and `agentdb explain` know it.

    on: names of the parser's nodes it looks at ("*": every statement). acts: of an ALTER TABLE, the actions without which
    it has nothing to say (see shapes.Action; none: it looks at all). setup: the schema before the examples.
    wrapped: the examples run inside one transaction. since: first PostgreSQL version it holds for; until: last.
    scales: its harm grows with the table, so its severity follows the rows (see severity.py). late: it sees what the
    other rules found in the same statement. enabled: False for advice that is off unless asked for. rewritten: a
    rewriter (rewrites/) knows a safe form. unfixed: why none does and what to do, a sentence.
    """

    id: str
    title: str
    severity: Severity
    category: Category
    why: str
    fix: str
    bad: str
    good: str
    source: str
    on: tuple[str, ...]
    check: Check
    acts: tuple[str, ...] = ()
    effect: Effect = Effect.NONE
    setup: str = ""
    wrapped: bool = False
    since: int = 0
    until: int = 0
    scales: bool = False
    late: bool = False
    enabled: bool = True
    rewritten: bool = False
    unfixed: str = ""

    @property
    def no_form(self) -> str:
        """Why `agentdb check --fix` has no safe form for it, "" when it has one."""
        return "" if self.rewritten else self.unfixed or UNFIXED.get(self.category, "No safe form is known.")

    def holds_for(self, version: int) -> bool:
        """Whether the rule applies to a PostgreSQL major version."""
        return self.since <= version and (not self.until or version <= self.until)

    @property
    def versions(self) -> str:
        """The versions in words."""
        if self.since and self.until:
            return f"PostgreSQL {self.since} to {self.until}"
        if self.since:
            return f"PostgreSQL {self.since} and newer"
        return f"PostgreSQL {self.until} and older" if self.until else "all versions of PostgreSQL"


_rules: dict[str, Rule] = {}


def rule(
    *,
    id: str,
    title: str,
    severity: Severity,
    category: Category,
    why: str,
    fix: str,
    bad: str,
    good: str,
    source: str,
    on: tuple[str, ...] = (),
    acts: tuple[str, ...] = (),
    effect: Effect = Effect.NONE,
    setup: str = "",
    wrapped: bool = False,
    since: int = 0,
    until: int = 0,
    scales: bool = False,
    late: bool = False,
    enabled: bool = True,
    rewritten: bool = False,
    unfixed: str = "",
) -> Callable[[Check], Check]:
    """Register the decorated function as the rule's check."""

    def register(check: Check) -> Check:
        if id in _rules and _rules[id].check.__module__ != check.__module__:
            raise ValueError(f"two rules are called {id}")
        _rules[id] = Rule(
            id, title, severity, category, why, fix, bad, good, source, on, check,
            acts=acts, effect=effect, setup=setup, wrapped=wrapped, since=since, until=until, scales=scales, late=late,
            enabled=enabled, rewritten=rewritten, unfixed=unfixed,
        )  # fmt: skip
        return check

    return register


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, by category, then id. Loads each module of the package `rules` by name."""
    from . import rules as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    order = list(Category)
    return tuple(sorted(_rules.values(), key=lambda r: (order.index(r.category), r.id)))


@cache
def by_id() -> dict[str, Rule]:
    """The rules by their ids."""
    return {r.id: r for r in rules()}


@cache
def by_node() -> dict[str, tuple[Rule, ...]]:
    """Node name -> the rules that look at it, late ones last; under "*" those that look at every statement."""
    found: dict[str, list[Rule]] = {}
    for one in sorted(rules(), key=lambda r: (r.late, r.id)):
        for name in one.on:
            found.setdefault(name, []).append(one)
    return {name: tuple(ones) for name, ones in found.items()}


@cache
def applying(
    node_name: str, version: int, acts: frozenset[str] = frozenset(), wanted: frozenset[str] = frozenset({"all"})
) -> tuple[Rule, ...]:
    """The rules that look at such a node on such a version, late ones last. acts: what an ALTER TABLE does. wanted: the
    rules that are asked for by name ("all": every one), of those that are off by default."""
    found = (*by_node().get("*", ()), *by_node().get(node_name, ()))
    if node_name == "alter_table_stmt":
        found = tuple(r for r in found if not r.acts or acts.intersection(r.acts))
    on = (r for r in found if r.holds_for(version) and (r.enabled or r.id in wanted or "all" in wanted))
    return tuple(sorted(on, key=lambda r: r.late))


def nearest(word: str, count: int = 3) -> tuple[str, ...]:
    """The ids of rules most like a word."""
    ids = list(by_id())
    close = difflib.get_close_matches(word, ids, n=count, cutoff=0.5)
    return tuple(close or [i for i in ids if word and word in i][:count])
