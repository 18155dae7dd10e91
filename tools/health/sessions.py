"""Other people's sessions: how they are named, how one ends them, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..sql.quote import literal
from . import wording
from .redact import query_head
from .result import Advice


def who(row: Mapping[str, Any]) -> str:
    """ "pid 4711 (user shop, app web)"; pid 0 stands for a prepared transaction."""
    if not row.get("pid"):
        return "a prepared transaction"
    parts = [f"{word} {row[key]}" for key, word in (("user", "user"), ("application", "app")) if row.get(key)]
    return f"pid {row['pid']}" + (f" ({', '.join(parts)})" if parts else "")


def wait_line(row: Mapping[str, Any]) -> str:
    """ "pid 12 (user shop) waits 4 s for AccessShareLock on public.t: SELECT ?"."""
    text = f": {row['query']}" if row.get("query") else ""
    return f"{who(row)} waits {wording.seconds(row['wait_seconds'])} for {row['mode']} on {row['target']}{text}"


def cancel_sql(row: Mapping[str, Any]) -> str:
    """SQL that cancels the session's statement, if it is still the same session (a process id is used again)."""
    return f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {_same_session(row)};"


def terminate_sql(row: Mapping[str, Any]) -> str:
    """SQL that ends the session, if it is still the same session."""
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_same_session(row)};"


def cancel(row: Mapping[str, Any]) -> Advice:
    return Advice(f"Cancel what {who(row)} runs; its transaction is rolled back.", cancel_sql(row))


def terminate(row: Mapping[str, Any]) -> Advice:
    return Advice(
        f"End the session of {who(row)}, in which nothing runs that could be cancelled; its open work is rolled back.",
        terminate_sql(row),
    )


def _same_session(row: Mapping[str, Any]) -> str:
    started = row.get("backend_start")
    return f"pid = {int(row['pid'])}" + (f" AND backend_start = {literal(str(started))}" if started else "")


def chains(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The waiting sessions as a forest, flattened: who waits for nobody first, each followed by those it blocks.

    In: rows of health_blocking_chains. Out: the rows with `depth` (0 is a root), `blocks` (how many sessions wait
    behind it, directly or not) and `query` without literals. A session that waits for two stands under the
    first; a circle (a deadlock not yet found) begins at its lowest process id.
    """
    nodes = {int(r["pid"]): dict(r) for r in rows}
    parent = {p: next((b for b in r["blocked_by"] if b in nodes and b != p), None) for p, r in nodes.items()}
    for pid in sorted(nodes):
        if pid in _ancestors(pid, parent):
            parent[pid] = None
    children: dict[int, list[int]] = {p: [] for p in nodes}
    for pid, above in parent.items():
        if above is not None:
            children[above].append(pid)

    out: list[dict[str, Any]] = []

    def visit(pid: int, depth: int) -> int:
        place = len(out)
        out.append({})
        below = sum(visit(c, depth + 1) for c in sorted(children[pid], key=lambda c: (-_wait(nodes[c]), c)))
        node = nodes[pid]
        out[place] = {**node, "depth": depth, "blocks": below, "query": query_head(node.get("query"))}
        return below + 1

    roots = [p for p, above in parent.items() if above is None]
    sizes = {p: _size(p, children) for p in roots}
    for root in sorted(roots, key=lambda p: (-sizes[p], p)):
        visit(root, 0)
    return out


def tree(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The forest as lines for people, indented by depth."""
    lines = []
    for r in rows:
        said = f" {r['query']}" if r["query"] else ""
        if r["depth"] == 0:
            state = f" is {r['state']}" if r.get("state") else ""
            lines.append(f"{who(r)}{state}:{said}".rstrip(":"))
        else:
            wait = f"{r['wait_seconds']:.0f} s" if r.get("wait_seconds") is not None else "unknown time"
            lines.append(
                f"{'  ' * r['depth']}<- {who(r)} waits {wait} for {r['mode']} on {r['target']}:{said}".rstrip(":")
            )
    return lines


def _ancestors(pid: int, parent: Mapping[int, int | None]) -> list[int]:
    seen: list[int] = []
    above = parent[pid]
    while above is not None and above not in seen:
        seen.append(above)
        above = parent[above]
    return seen


def _size(pid: int, children: Mapping[int, list[int]]) -> int:
    return 1 + sum(_size(c, children) for c in children[pid])


def _wait(row: Mapping[str, Any]) -> float:
    return float(row.get("wait_seconds") or 0.0)
