"""A rollout in the sandbox, transaction by transaction, with the application's queries prepared on every schema that
others see: the one before, the one after each commit, the last.

One session stays open from the beginning with its statements prepared, as an application's does; another is opened on
every schema. The tables are empty: what rows do to a migration is measured elsewhere, and a schema that cannot be reached
because of made-up rows would hide what comes after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..sandbox import fitting, seed_catalog
from ..sandbox.run import run_script
from ..sql.parse import Parsed, parse
from . import arbiters, indexes, inserts, prepare, routines
from .model import NEW_CODE, Change, Compatibility, Corpus, Moment, Query, Shape

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase

BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Script:
    """A migration as it will be carried: path, text, and whether its statements commit one by one."""

    path: str
    sql: str
    label: str
    no_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What commits together: the statements, and the text that runs them."""

    moment: Moment
    sql: str
    statements: tuple[Parsed, ...]
    alone: bool


@dataclass(slots=True)
class _Walk:
    """What is known so far: shapes before, and each change by what it is about until it is well again."""

    baseline: dict[Query, Shape]
    open: dict[tuple[str, str], Change] = field(default_factory=dict)
    closed: list[Change] = field(default_factory=list)

    def note(self, key: tuple[str, str], change: Change | None, moment: Moment) -> None:
        """A change that holds now (None: it does not)."""
        known = self.open.get(key)
        if change is None and known is not None:
            self.closed.append(replace(self.open.pop(key), until=moment.label))
        elif change is not None and known is None:
            self.open[key] = change

    def only(self, rule: str, changes: Mapping[str, Change], moment: Moment) -> None:
        """The changes of a rule that hold now; all others of it are well again."""
        for known in [k for k in self.open if k[0] == rule and k[1] not in changes]:
            self.note(known, None, moment)
        for about, change in changes.items():
            self.note((rule, about), change, moment)


def look(database: SandboxDatabase, scripts: Sequence[Script], corpus: Corpus) -> Compatibility:
    """What the scripts, carried out in order on `database` (the schema before; it is changed), do to the queries.

    Errors: SandboxError, psycopg.Error when the sandbox fails.
    """
    _empty(database)
    queries = corpus.queries
    with ExitStack() as held:
        old = held.enter_context(database.connect())
        baseline = prepare.shapes(old, queries)
        needed = inserts.required(old)
        code = routines.read(old)
        well = [q for q in queries if baseline[q].ok]
        served = indexes.before(database, well) if takes_away(scripts) else None
        never = arbiters.refused(old, well)
        walk = _Walk(baseline)
        named: set[str] = set()
        moments, broken_off, last = [BEFORE], "", dict(baseline)
        new: dict[Query, Moment] = {}
        for step in steps(scripts):
            run = run_script(database, step.sql, path=step.moment.path, no_transaction=step.alone, trace=False)
            if not run.ok:
                broken_off = f"{step.moment.label} does not run in the sandbox: {run.error or run.unknown}"
                break
            moments.append(step.moment.label)
            with database.connect() as fresh:
                last = prepare.shapes(fresh, queries)
                now = inserts.required(fresh)
                code_now = routines.read(fresh)
                lost = arbiters.refused(fresh, [q for q in well if last[q].ok and q not in never])
            for number, query in enumerate(queries, 1):
                if not baseline[query].ok:
                    continue
                for rule, change in _changes(query, baseline[query], last[query], step):
                    walk.note((rule, query.place + query.text), change, step.moment)
                if not last[query].ok:
                    continue
                key = ("breaking-prepared-statement", query.place + query.text)
                if key not in walk.open or last[query].columns == baseline[query].columns:
                    walk.note(key, _cached(old, f"q{number}", query, baseline[query], last[query], step), step.moment)
                walk.note(
                    ("failing-insert", query.place + query.text),
                    _insert(query, needed, now, step),
                    step.moment,
                )
            for query in well:
                walk.note(("on conflict", query.place + query.text), _lost(query, lost.get(query), step), step.moment)
            if served is not None:
                taken = {q for q in well if last[q].ok}
                for about, change in served.now(database, step, taken):
                    walk.note((indexes.RULE, about), change, step.moment)
            for query in queries:
                if not baseline[query].ok and last[query].ok:
                    new.setdefault(query, step.moment)
            said = {one.routine.name + one.what: one for one in routines.broken(code, code_now)}
            named |= names_of(step)
            gone = {f"{s}.{v}": _view(s, v, step) for s, v in code.views - code_now.relations if v not in named}
            walk.only("dropping-dependent-view", gone, step.moment)
            walk.only("breaking-function", {key: _function(one, step) for key, one in said.items()}, step.moment)
    for query, moment in new.items():
        walk.open["needing-new-schema", query.place + query.text] = _needing(query, moment, baseline[query])
    left_out = [
        (q.place, f"{baseline[q].sqlstate} {baseline[q].message}")
        for q in queries
        if not baseline[q].ok and q not in new
    ]
    return Compatibility(
        (*walk.closed, *walk.open.values()),
        tuple(moments),
        sum(shape.ok for shape in baseline.values()) + len(new),
        (*corpus.left_out, *left_out),
        broken_off,
    )


def steps(scripts: Iterable[Script]) -> Iterator[Step]:
    """What commits together, in order: a whole script, or each of its statements where no transaction is around them."""
    for script in scripts:
        statements = parse(script.sql).statements
        apart = script.no_transaction or any(p.statement.transactional is False for p in statements)
        if not apart:
            end = statements[-1].statement if statements else None
            moment = Moment(script.path, end.span.line if end else 0, end.index if end else 0, script.label)
            yield Step(moment, script.sql, statements, False)
            continue
        settings = ""
        for parsed in statements:
            statement = parsed.statement
            if parsed.node_name == "variable_set_stmt":
                settings += f"{statement.text};\n"
                continue
            moment = Moment(script.path, statement.span.line, statement.index, f"{script.label}:{statement.span.line}")
            yield Step(moment, f"{settings}{statement.text};", (parsed,), True)


def _changes(query: Query, before: Shape, now: Shape, step: Step) -> Iterator[tuple[str, Change | None]]:
    """For each rule about shapes: the change that holds now, or None."""

    def change(rule: str, what: str, state: str = "") -> Change:
        line, statement = blame(step, what)
        return Change(
            rule, step.moment, query.title, query.text, what, sqlstate=state, before=before, after=now, line=line,
            statement=statement,
        )  # fmt: skip

    yield "breaking-query", change("breaking-query", now.message, now.sqlstate) if not now.ok else None
    if not now.ok:
        return  # what else was different stays so, for all that is known
    other = now.columns != before.columns
    yield "changing-query-result", change("changing-query-result", columns_differ(before, now)) if other else None
    other = now.parameters != before.parameters
    yield (
        "changing-query-parameter",
        change("changing-query-parameter", parameters_differ(before, now)) if other else None,
    )


def _cached(old: Connection, name: str, query: Query, before: Shape, now: Shape, step: Step) -> Change | None:
    """What the session that prepared the query on the first schema meets, where the result is another one now."""
    if now.columns == before.columns:
        return None
    state, message = prepare.still_runs(old, name, len(before.parameters))
    if not state:
        return None
    line, statement = blame(step, columns_differ(before, now))
    return Change(
        "breaking-prepared-statement", step.moment, query.title, query.text, message, sqlstate=state, before=before,
        after=now, line=line, statement=statement,
    )  # fmt: skip


def _lost(query: Query, message: str | None, step: Step) -> Change | None:
    if message is None:
        return None
    dropping = (p.statement for p in step.statements if re.search(r"\bdrop\b", p.statement.text, re.IGNORECASE))
    at = next(dropping, None)
    line, statement = (at.span.line, at.index) if at else (step.moment.line, step.moment.statement)
    return Change(
        "breaking-query", step.moment, query.title, query.text, message, sqlstate=arbiters.LOST, line=line,
        statement=statement,
    )  # fmt: skip


def _insert(query: Query, before: inserts.Required, now: inserts.Required, step: Step) -> Change | None:
    known = {(n.table, n.column) for n in before.left_out(query)}
    lacking = [n for n in now.left_out(query) if (n.table, n.column) not in known]
    if not lacking:
        return None
    first = lacking[0]
    what = f"{first.table}.{first.column} is NOT NULL, has no default, and is not among the columns given"
    line, statement = blame(step, f'"{first.column}"')
    return Change(
        "failing-insert", step.moment, query.title, query.text, what, sqlstate="23502", proven=not first.filled,
        line=line, statement=statement,
    )  # fmt: skip


def _function(one: routines.Broken, step: Step) -> Change:
    line, statement = blame(step, one.what)
    what = one.what if one.proven else f"its body uses {one.what}"
    return Change(
        "breaking-function", step.moment, f"function {one.routine.name}", "", what, sqlstate=one.sqlstate,
        proven=one.proven, line=line, statement=statement,
    )  # fmt: skip


def _view(schema: str, name: str, step: Step) -> Change:
    cascade = [p.statement for p in step.statements if re.search(r"\bcascade\b", p.statement.text, re.IGNORECASE)]
    at = (cascade[0].span.line, cascade[0].index) if cascade else (step.moment.line, step.moment.statement)
    return Change(
        "dropping-dependent-view", step.moment, f"view {schema}.{name}", "", "it is gone, and no statement names it",
        line=at[0], statement=at[1],
    )  # fmt: skip


def names_of(step: Step) -> set[str]:
    """The names, without schemas, of what the step's statements drop or change by name."""
    found = (n for p in step.statements for n in (*p.statement.drops, *p.statement.changes))
    return {n.rpartition(".")[2] for n in found}


def takes_away(scripts: Iterable[Script]) -> bool:
    """Whether a script may take something away that others use: drops, renames, moves, or is not understood."""
    for script in scripts:
        for parsed in parse(script.sql).statements:
            name = parsed.node_name
            if name in ("drop_stmt", "rename_stmt", "alter_object_schema_stmt", "do_stmt", "call_stmt", ""):
                return True
            if name == "alter_table_stmt" and re.search(r"\b(drop|type)\b", parsed.statement.text, re.IGNORECASE):
                return True
    return False


def _needing(query: Query, moment: Moment, before: Shape) -> Change:
    return Change(
        "needing-new-schema", moment, query.title, query.text, before.message, NEW_CODE, before.sqlstate, before,
        line=moment.line, statement=moment.statement,
    )  # fmt: skip


def blame(step: Step, what: str) -> tuple[int, int]:
    """(line, index) of the statement that a message most likely speaks of: the first whose text holds a name of it."""
    quoted = re.findall(r'"([^"]+)"', what)
    names = {
        part for text in (quoted or re.findall(r"[\w.]+", what)) for part in (text, text.rpartition(".")[2]) if part
    }
    for parsed in step.statements:
        words = set(re.findall(r"\w+", parsed.statement.text))
        if words & names and parsed.statement.kind not in ("SELECT", "INSERT", "UPDATE", "DELETE", "SET"):
            return parsed.statement.span.line, parsed.statement.index
    return step.moment.line, step.moment.statement


def columns_differ(before: Shape, now: Shape) -> str:
    """How two results differ, in words."""
    old, new = dict(before.columns), dict(now.columns)
    parts = [f'"{name}" is gone' for name in old if name not in new]
    parts += [f'"{name}" {kind} is new' for name, kind in new.items() if name not in old]
    parts += [f'"{name}" is {new[name]}, was {kind}' for name, kind in old.items() if name in new and new[name] != kind]
    return ", ".join(parts) or "its columns stand in another order"


def parameters_differ(before: Shape, now: Shape) -> str:
    """How the parameters differ, in words."""
    if len(before.parameters) != len(now.parameters):
        return f"{len(now.parameters)} parameters, were {len(before.parameters)}"
    pairs = enumerate(zip(before.parameters, now.parameters, strict=True), 1)
    return ", ".join(f"${n} is {new}, was {old}" for n, (old, new) in pairs if old != new)


def _empty(database: SandboxDatabase) -> None:
    with database.connect() as conn:
        tables = [
            t
            for t in seed_catalog.read(conn).tables.values()
            if conn.execute(f"SELECT FROM {t.title} LIMIT 1".encode()).fetchone() is not None
        ]
    fitting.empty(database, tables)
