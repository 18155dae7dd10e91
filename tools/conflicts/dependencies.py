"""Which migration needs which: what headers declare, and what the objects in the scripts tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ..records import Migration
from .case import Case
from .touch import Key, Touch

Graph = Mapping[str, frozenset[str]]  # path of a migration -> paths of those that it needs before it


@dataclass(frozen=True, slots=True)
class Declared:
    """One value of a `-- depends:` header and the migrations that it may mean."""

    text: str
    targets: tuple[Migration, ...]


def declared(migration: Migration, others: Sequence[Migration]) -> tuple[Declared, ...]:
    """What the header names: a number ("003", "3"), a label ("003_add_users") or a name ("add_users")."""
    return tuple(
        Declared(text, tuple(m for m in others if names(text, m))) for text in migration.headers.get("depends", ())
    )


def names(text: str, migration: Migration) -> bool:
    """Whether a value of a `-- depends:` header means this migration."""
    text = text.removesuffix(".sql")
    if text.isdecimal():
        return int(text) == migration.number
    number, _, name = text.partition("_")
    if number.isdecimal() and name == migration.name:
        return int(number) == migration.number
    return text == migration.name


def node(migration: Migration) -> str:
    return str(migration.path)


def declared_graph(case: Case) -> Graph:
    """What the headers say. Where one may mean several files, only those that run before the dependant count: their
    order is kept, and which one is meant is for a person to say."""
    graph: dict[str, frozenset[str]] = {}
    before: set[str] = set()
    for migration in case.ordered:
        needed: set[str] = set()
        for found in declared(migration, case.migrations):
            targets = {node(m) for m in meant(case, migration, found)}
            needed |= targets if len(targets) == 1 else targets & before
        graph[node(migration)] = frozenset(needed)
        before.add(node(migration))
    return graph


def meant(case: Case, migration: Migration, found: Declared) -> tuple[Migration, ...]:
    """The migrations that a declared dependency means; more than one when that cannot be told."""
    others = tuple(m for m in found.targets if m.path != migration.path)
    if len(others) < 2:
        return others or found.targets
    fixed = tuple(m for m in others if case.is_applied(m))
    providers = tuple(m for m in others if provides(case, m, migration))
    return fixed[:1] or (providers if len(providers) == 1 else others)


def provides(case: Case, provider: Migration, user: Migration) -> bool:
    """Whether one creates something that the other uses, changes or drops."""
    made = [t.key for t in case.touched(provider).of("creates")]
    needed = [t.key for t in case.touched(user).of("uses", "changes", "drops")]
    return any(same_object(a, b) for a in made for b in needed)


def same_object(first: Key, second: Key) -> bool:
    """Whether two keys name one object. A function named without its arguments is any of that name."""
    if first == second:
        return True
    if first.space != second.space or first.part != second.part or first.space != "function":
        return False
    with_types = "(" in first.name, "(" in second.name
    return not all(with_types) and first.name.partition("(")[0] == second.name.partition("(")[0]


def order_graph(case: Case) -> Graph:
    """The order that must be kept when migrations get new numbers: B after A when A runs before B today and both
    touch one thing, at least one of them by more than using it; and what the headers declare.

    Where only a later file creates what an earlier one uses, the earlier needs the later.
    """
    graph: dict[str, set[str]] = {node(m): set() for m in case.ordered}
    earlier: dict[Key, list[tuple[Migration, bool]]] = {}
    for migration in case.ordered:
        mine: dict[Key, bool] = {}
        for touch in case.touched(migration).touches:
            key = bare(touch.key)
            mine[key] = mine.get(key, False) or touch.action != "uses"
        for key, writes in mine.items():
            for other, wrote in earlier.get(key, ()):
                if writes or wrote:
                    graph[node(migration)].add(node(other))
            earlier.setdefault(key, []).append((migration, writes))
    firm = [(n, other) for n, needed in firm_graph(case).items() for other in needed]
    for user, needed in firm:  # today's order of two yields to what is declared or cannot be otherwise
        graph[needed].discard(user)
    for user, needed in firm:
        graph[user].add(needed)
    return {k: frozenset(v) for k, v in graph.items()}


def firm_graph(case: Case) -> Graph:
    """What cannot be otherwise: declared dependencies, and users after the file that creates what they use."""
    graph = {n: set(needed) - {n} for n, needed in declared_graph(case).items()}
    for user, maker, _ in used_before_created(case):
        graph[node(user)].add(node(maker))
    made: dict[Key, Migration] = {}
    for migration in case.ordered:
        for touch in case.touched(migration).touches:
            first = made.get(touch.key)
            if touch.action == "creates" and first is None and not (touch.tolerant or touch.replaces):
                made[touch.key] = migration
            elif first is not None and first is not migration and touch.action != "creates":
                graph[node(migration)].add(node(first))
    return {k: frozenset(v) for k, v in graph.items()}


def bare(key: Key) -> Key:
    """A key in which overloads of a function are one: order is kept rather too often than too seldom."""
    return key._replace(name=key.name.partition("(")[0]) if key.space == "function" else key


def used_before_created(case: Case) -> Iterator[tuple[Migration, Migration, Touch]]:
    """(user, maker, what is used): the maker runs after the user, and no earlier file shows that the thing was there.

    A CREATE with IF NOT EXISTS or OR REPLACE, and a DROP, leave open or prove that it was there before.
    """
    waiting: dict[Key, list[tuple[Migration, Touch]]] = {}
    settled: set[Key] = set()
    for migration in case.ordered:
        for touch in case.touched(migration).touches:
            key = bare(touch.key)
            if key in settled:
                continue
            if touch.action in ("uses", "changes"):
                if not touch.tolerant:
                    waiting.setdefault(key, []).append((migration, touch))
                continue
            if touch.action == "drops" and touch.tolerant:
                continue
            settled.add(key)
            if touch.action == "creates" and not (touch.tolerant or touch.replaces):
                for user, used in waiting.pop(key, ()):
                    if user is not migration and same_object(used.key, touch.key):
                        yield user, migration, used


def cycle(graph: Graph) -> tuple[str, ...]:
    """The paths of one circle, the first repeated at the end; empty when there is none."""
    try:
        TopologicalSorter({k: sorted(graph[k]) for k in sorted(graph)}).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def sorted_by_need(graph: Graph, chosen: Iterable[Migration]) -> list[Migration]:
    """The migrations so that each stands after what it needs, as near to the order by number and name as that allows.
    Errors: graphlib.CycleError."""
    left = sorted(chosen, key=lambda m: (m.number, m.name))
    inside = {node(m) for m in left}
    sorter = TopologicalSorter({node(m): sorted(graph.get(node(m), frozenset()) & inside) for m in left})
    sorter.prepare()
    place = {node(m): i for i, m in enumerate(left)}
    ready: list[str] = []
    done: list[Migration] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.sort(key=lambda n: place[n])
        following = ready.pop(0)
        sorter.done(following)
        done.append(left[place[following]])
    return done


def needed_by(graph: Graph, migration: Migration) -> frozenset[str]:
    """The paths of everything that a migration needs, directly or through others."""
    found: set[str] = set()
    stack = list(graph.get(node(migration), ()))
    while stack:
        path = stack.pop()
        if path not in found:
            found.add(path)
            stack.extend(graph.get(path, ()))
    return frozenset(found)
