"""Units of work on the way from one schema to another, and the script that they make when put in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import ObjectId
from .names import BUILD, DROP, FINISH, Step
from .order import ordered

# In which order things are made when nothing else decides; dropping goes the other way round.
RANKS = (
    "schema",
    "extension",
    "language",
    "foreign_data_wrapper",
    "server",
    "user_mapping",
    "access_method",
    "collation",
    "enum",
    "domain",
    "range",
    "base_type",
    "composite",
    "sequence",
    "function",
    "procedure",
    "aggregate",
    "operator",
    "operator_family",
    "operator_class",
    "cast",
    "transform",
    "conversion",
    "text_search_parser",
    "text_search_template",
    "text_search_dictionary",
    "text_search_configuration",
    "table",
    "foreign_table",
    "column",
    "domain_constraint",
    "constraint",
    "index",
    "statistics",
    "view",
    "materialized_view",
    "rule",
    "trigger",
    "policy",
    "event_trigger",
    "publication",
    "subscription",
    "default_privileges",
)
_RANK = {kind: number for number, kind in enumerate(RANKS)}
# What is done to an object, and whether that belongs to the beginning, the middle or the end.
_ACTIONS = {
    "drop": 0,
    "redefault": 0,
    "unidentify": 0,
    "unpublish": 0,
    "untype": 0,
    "shell": 1,
    "aside": 1,
    "create": 1,
    "alter": 1,
    "attach": 2,
    "identify": 2,
    "retype_table": 2,
}

Key = tuple[str, ObjectId]


@dataclass(slots=True)
class Unit:
    """What is done to one object: its steps, and the units that come before it."""

    id: ObjectId
    action: str
    steps: list[Step]
    needs: set[Key] = field(default_factory=set)


class Units:
    """All units of a plan by action and object."""

    def __init__(self) -> None:
        self.all: dict[Key, Unit] = {}

    def add(self, action: str, id: ObjectId, steps: list[Step]) -> Unit:
        unit = self.all[action, id] = Unit(id, action, steps)
        return unit

    def before(self, first: Key, second: Key) -> None:
        """`first` comes before `second`, when there is a second (a first that is not there waits for nobody)."""
        if first != second and second in self.all:
            self.all[second].needs.add(first)

    def steps(self) -> list[Step]:
        """The script: stretch by stretch, and in each in the units' order. Nothing stands in an earlier stretch than
        what it needs."""
        keys = list(self.all)
        edges = [(first, key) for key, unit in self.all.items() for first in unit.needs]
        rank = {}
        for key in keys:
            place, action = _RANK.get(key[1].kind, len(RANKS)), _ACTIONS[key[0]]
            rank[key] = (action, -place if action == 0 else place)
        done = ordered(keys, edges, rank)
        floor: dict[Key, int] = {}
        for key in done:
            unit = self.all[key]
            lowest = max((floor.get(n, DROP) for n in unit.needs), default=DROP)
            unit.steps = [Step(max(s.phase, lowest), s.sql) for s in unit.steps]
            floor[key] = max(lowest, next((s.phase for s in unit.steps), DROP))
        return [s for phase in (DROP, BUILD, FINISH) for key in done for s in self.all[key].steps if s.phase == phase]
