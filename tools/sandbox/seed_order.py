"""The order in which tables can be filled, so that a row finds the rows that it points to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .seed_catalog import ForeignKey, Table


@dataclass(slots=True)
class Step:
    """Tables to fill together: mostly one. later: foreign keys that are left empty at first, and filled afterwards."""

    tables: list[Table]
    later: dict[int, list[ForeignKey]] = field(default_factory=dict)


def steps(tables: Mapping[int, Table]) -> list[Step]:
    """Parents before children. In a cycle, keys that may be NULL are left for later; what still goes in a circle
    is filled in one statement."""
    later: dict[int, list[ForeignKey]] = {}
    edges = {oid: {k.target for k in table.foreign_keys if k.target in tables} for oid, table in tables.items()}
    for group in _components(edges):
        for oid in group:
            for key in tables[oid].foreign_keys:
                if key.target in group and (len(group) > 1 or key.target == oid) and _may_wait(tables[oid], key):
                    later.setdefault(oid, []).append(key)
    edges = {
        oid: {k.target for k in table.foreign_keys if k.target in tables and k not in later.get(oid, ())}
        for oid, table in tables.items()
    }
    return [
        Step([tables[oid] for oid in group], {oid: later[oid] for oid in group if oid in later})
        for group in _components(edges)
    ]


def _may_wait(table: Table, key: ForeignKey) -> bool:
    """Its own columns may be NULL at first; a column that another key fills is not its own."""
    shared = {c for other in table.foreign_keys if other is not key for c in other.columns}
    own = [c for c in key.columns if c not in shared]
    return any(not table.column(c).not_null and not table.column(c).generated for c in own)


def _components(edges: Mapping[int, Iterable[int]]) -> list[list[int]]:
    """Strongly connected groups, each after those that it points to (Tarjan, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    found: list[list[int]] = []
    for root in edges:
        if root in order:
            continue
        work = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    work.append((target, iter(edges[target])))
                    break
                if target in stack:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    at = stack.index(node)
                    found.append(stack[at:])
                    del stack[at:]
    return found
