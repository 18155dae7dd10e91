"""What migrations ask of a target's rows, counted there when that is allowed; part of check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import DatabaseError, UsageError
from ..tools.records import Evidence

if TYPE_CHECKING:
    from ..tools.preconditions.derive import Part
    from ..tools.preconditions.model import Answer
    from .checking import Checked, Wishes
    from .context import ProjectContext, Target


def ask_rows(checked: Sequence[Checked], project: ProjectContext | None, wishes: Wishes) -> list[str]:
    """Count on the target what the files ask of its rows, and add that to their findings; notes on what was not done.

    Asked when --data says so, or the target's data_checks where nothing is said. Errors: UsageError when --data has no
    target; DatabaseError when the target that was named does not answer.
    """
    target = _target(project, wishes)
    if target is None:
        return []
    try:
        everything = _answers(checked, project, target)
    except DatabaseError as error:
        if wishes.data or wishes.target:
            raise
        return [f"Rows not counted: {error}."]
    number = 1
    for one, answers in zip(checked, everything, strict=True):
        number += len(_added(one, answers, number))
    return []


def _target(project: ProjectContext | None, wishes: Wishes) -> Target | None:
    if wishes.data is False or (wishes.static and not wishes.data):
        return None
    found = project.optional_target(wishes.target) if project is not None else None
    if found is None:
        if wishes.data:
            raise UsageError("--data counts rows on a target, and none is known", hint="Say --target NAME.")
        return None
    return found if wishes.data or found.settings.data_checks else None


def _answers(checked: Sequence[Checked], project: ProjectContext | None, target: Target) -> list[list[Answer]]:
    """The answers for each file. The project's migrations are one plan, with those that come before them."""
    import psycopg

    from ..tools.databases.postgres import connect
    from ..tools.durations import seconds
    from ..tools.preconditions.ask import look
    from ..tools.preconditions.derive import Part
    from ..tools.sql.parse import parse

    timeout = int(seconds(target.settings.data_timeout) * 1000)
    own = [Part(one.source.path, parse(one.source.sql).statements) for one in checked]
    migrations = all(one.source.migration is not None for one in checked)
    plans = [[*_earlier(checked, project), *own]] if migrations else [[part] for part in own]
    read_only = {"default_transaction_read_only": "on"}
    with connect(target.dsn, application_name="agentdb rows", options=read_only) as conn:
        try:
            found = [a for plan in plans for a in look(conn, plan, timeout_ms=timeout)]
        except psycopg.Error as error:
            text = (error.diag.message_primary or type(error).__name__).strip()
            raise DatabaseError(f"the catalog cannot be read: {text}", where=target.dsn.identity()) from None
    return [[a for a in found if a.asked.path == part.path] for part in own]


def _earlier(checked: Sequence[Checked], project: ProjectContext | None) -> list[Part]:
    """The pending migrations that come before the files, and are not among them."""
    from ..tools.files import discover
    from ..tools.preconditions.derive import Part
    from ..tools.sql.parse import parse

    chosen = [one.source.migration for one in checked if one.source.migration is not None]
    if project is None or not chosen:
        return []
    mine, last = {m.path for m in chosen}, max(m.number for m in chosen)
    ahead = [m for m in discover(project.layout) if m.state == "pending" and m.path not in mine and m.number < last]
    return [Part(str(m.path), parse(m.sql).statements, asked=False) for m in ahead]


def _added(one: Checked, answers: Sequence[Answer], start: int) -> tuple[Evidence, ...]:
    from ..tools.preconditions.findings import findings, settled

    found, evidence = findings(answers, start=start, severity=one.context.severity)
    together = [*settled(one.findings, answers), *found]
    one.findings = tuple(sorted(together, key=lambda f: (f.statement is None, f.statement or 0)))
    one.evidence = (*one.evidence, *evidence)
    return evidence
