"""The short way into a command: plain arguments are read without typer's machinery.

Typer reads arguments with pydantic, whose import costs as much as checking hundreds of files; hooks and editors run
`agentdb check` at every save. What is not plain (help, an unknown option, a wrong value) is left to typer, which knows
how to answer.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

QUICK = ("check", "explain")


class _Option(NamedTuple):
    """An option's parameter, its kind ("flag", "str", "int", "Path", "list[str]") and what a flag stands for."""

    name: str
    kind: str
    value: bool
    info: Any


def run(arguments: Sequence[str]) -> int | None:
    """The exit code of a quick command that was run; None when typer has to do it. Errors: those of the command."""
    if not arguments or arguments[0] not in QUICK:
        return None
    module = importlib.import_module(f"..{arguments[0]}", __name__)
    function: Callable[..., None] = getattr(module, arguments[0])
    values = parsed(function, arguments[1:])
    if values is None:
        return None
    try:
        function(**values)
    except typer.Exit as stop:
        return int(stop.exit_code)
    return 0


def leave(code: int) -> None:
    """End the process, at once where nothing but reading was done: taking hundreds of modules apart again costs as
    much as the work."""
    if "psycopg" in sys.modules:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def parsed(function: Callable[..., Any], arguments: Sequence[str]) -> dict[str, Any] | None:
    """The values of a command's parameters, or None when the arguments are not plain."""
    options, positional, values = _declared(function)
    rest: list[str] = []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, given = word.partition("=")
        option = options.get(name)
        if option is None or (option.kind == "flag" and equals):
            return None
        if option.kind == "flag":
            values[option.name] = option.value
            continue
        if not equals:
            if at == len(arguments):
                return None
            given = arguments[at]
            at += 1
        if (value := _value(option, given)) is None:
            return None
        if option.kind.startswith("list"):
            values[option.name] = [*(values[option.name] or []), value]
        else:
            values[option.name] = value
    return _with_positional(values, positional, rest)


def _declared(function: Callable[..., Any]) -> tuple[dict[str, _Option], list[tuple[str, str]], dict[str, Any]]:
    """(options by the words that name them, positional parameters, defaults) as the signature declares them."""
    options: dict[str, _Option] = {}
    positional: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        info, kind = parameter.default, str(parameter.annotation)
        values[name] = None if info.default is ... else info.default
        if type(info).__name__ == "ArgumentInfo":
            positional.append((name, kind))
            continue
        words = info.param_decls or (f"--{name.replace('_', '-')}",)
        for word in words:
            if kind == "bool":
                yes, _, no = word.partition("/")
                options[yes] = _Option(name, "flag", True, info)
                if no:
                    options[no] = _Option(name, "flag", False, info)
            else:
                options[word] = _Option(name, kind, True, info)
    return options, positional, values


def _value(option: _Option, given: str) -> Any:
    """The value of an option's text; None when it is not one."""
    if option.kind == "int":
        if not given.isdecimal():
            return None
        number = int(given)
        low, high = option.info.min, option.info.max
        return number if (low is None or number >= low) and (high is None or number <= high) else None
    return Path(given) if option.kind == "Path" else given


def _with_positional(
    values: dict[str, Any], positional: list[tuple[str, str]], rest: list[str]
) -> dict[str, Any] | None:
    for name, kind in positional:
        if kind.startswith("list") and rest:
            values[name] = [Path(word) if "Path" in kind else word for word in rest]
            rest = []
        elif rest:
            values[name] = Path(rest[0]) if kind == "Path" else rest[0]
            rest = rest[1:]
    return None if rest else values
