"""Whether a statement sets lock_timeout or statement_timeout, and for how long that holds."""

from __future__ import annotations

from typing import Any

from ..sql import grammar
from .step import Step

NAMES = ("lock_timeout", "statement_timeout")


def note_timeouts(step: Step) -> None:
    """Bring the transaction's knowledge of timeouts up to date."""
    if step.node_name == "variable_set_stmt":
        _variable(step)
    elif step.node_name == "select_stmt":
        for message in step.messages("FuncCall"):
            if message.funcname[-1].string.sval == "set_config":
                name = message.args[0].a_const.sval.sval if message.args else ""
                if name in NAMES:
                    _set(step, str(name), True, local=False)


def _variable(step: Step) -> None:
    node = step.node
    kind = grammar.enum_name(node, "kind")
    if kind == "VAR_RESET_ALL":
        for name in NAMES:
            _set(step, name, False, local=False)
    elif node.name in NAMES:
        on = kind == "VAR_SET_VALUE" and not _is_zero(node.args)
        # SET LOCAL outside of a transaction does nothing but warn.
        if not node.is_local or step.in_transaction:
            _set(step, str(node.name), on, local=bool(node.is_local))


def _is_zero(arguments: Any) -> bool:
    if len(arguments) != 1:
        return False
    constant = arguments[0].a_const
    if constant.HasField("sval"):
        return str(constant.sval.sval).strip().rstrip("mshin ") in ("0", "")
    return not constant.ival.ival and not constant.HasField("fval")


def _set(step: Step, name: str, on: bool, *, local: bool) -> None:
    transaction = step.transaction
    if name == "lock_timeout":
        transaction.lock_timeout = on
        transaction.local_timeout = local and on
    else:
        transaction.statement_timeout = on
