"""Findings in the forms that people and programs read; one module a form, loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ...tools.hazards.report import Report

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
Format = Literal["text", "json", "sarif", "github", "gitlab", "junit", "markdown"]


def render(form: str, report: Report, *, command: str = "check") -> str:
    """The report in one of FORMATS, ending with a line feed (or empty). command: what made it."""
    module = importlib.import_module(f".{form}", __name__)
    made: str = module.render(report, command=command)
    return made if not made or made.endswith("\n") else f"{made}\n"


def visible(text: str) -> str:
    """Text from a file or a server, fit for a terminal: what would move or colour things is shown by its number."""
    if text.isprintable() and (text.isascii() or _TURNING.isdisjoint(text)):
        return text
    return "".join(c if c == "\t" or (c.isprintable() and c not in _TURNING) else f"\\x{ord(c):02x}" for c in text)


# Characters that change the direction of the text after them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
