"""The rows of the target, asked once more right before a plan is carried out: would they make a statement fail?

Worked out from the characters that will run, never from the plan: the approver signed files, not counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from ...errors import RefusedError
from ..preconditions.ask import look
from ..preconditions.derive import Part
from ..preconditions.model import Answer, State

if TYPE_CHECKING:
    from .apply import ApplyRequest
    from .gate import Cleared

SHOWN = 3


def refuse_violated(request: ApplyRequest, cleared: Cleared) -> tuple[str, ...]:
    """What a person should know of questions that stayed open; () where the target's rows may not be looked at.

    Errors: RefusedError("precondition-violated") when rows are there that a statement does not accept. Nothing has run
    then. An open question does not stand in the way: the statement itself fails if it must, and leaves nothing.
    """
    if not request.data_checks:
        return ()
    from ..databases.postgres import connect

    parts = [
        Part(item.work.where, item.work.steps, item.row.statements_done if item.row else 0) for item in cleared.items
    ]
    read_only = {"default_transaction_read_only": "on"}
    with connect(request.dsn, application_name="agentdb rows", options=read_only) as conn:
        try:
            answers = look(conn, parts, timeout_ms=request.data_timeout_ms)
        except psycopg.Error as error:
            return (
                f"whether the rows suit the statements is not known: the catalog gave no answer ({error.sqlstate})",
            )
    if bad := [a for a in answers if a.refuses]:
        raise _refusal(bad)
    return tuple(f"{_place(a)}: {a.line}" for a in answers if a.state is State.UNKNOWN)


def _refusal(bad: list[Answer]) -> RefusedError:
    first = bad[0]
    lines = [f"{a.asked.broken}: {a.number}" for a in bad[:SHOWN]]
    more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    return RefusedError(
        f"the target has rows that a statement does not accept: {'; '.join(lines)}{more}",
        reason="precondition-violated",
        where=_place(first),
        hint=f"Nothing was run. {first.asked.fix}",
    )


def _place(answer: Answer) -> str:
    return f"{answer.asked.path}:{answer.asked.line}"
