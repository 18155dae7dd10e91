"""How results look in a terminal: one style, calm, readable without colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# One colour means one thing on every screen.
STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "note": "cyan",
    "quiet": "dim",
    "head": "bold",
}


def console(stream: IO[str] | None = None) -> Console:
    """A console for the stream (default stdout). Honours NO_COLOR; not a terminal: no colour, width 120."""
    from rich.console import Console
    from rich.theme import Theme

    stream = stream or sys.stdout
    terminal = stream.isatty()
    return Console(
        file=stream,
        theme=Theme(STYLES),
        highlight=False,
        soft_wrap=not terminal,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        width=None if terminal else 120,
        emoji=False,
        markup=True,
    )


def write(out: Console, text: str, *, hang: int | None = None) -> None:
    """Print a paragraph of markup. In a terminal it wraps between words, and the lines after the first stand `hang`
    columns in (default: two more than the first); elsewhere it stays one line, for programs that read it."""
    if not out.is_terminal:
        out.print(text, soft_wrap=True)
        return
    from rich.text import Text

    indent = len(text) - len(text.lstrip(" "))
    hang = indent + 2 if hang is None else hang
    paragraph = Text.from_markup(text.lstrip(" "), emoji=False)
    for number, line in enumerate(paragraph.wrap(out, max(20, out.width - max(indent, hang) - 1))):
        out.print(Text(" " * (hang if number else indent)) + line, soft_wrap=True)


def safe(text: str) -> str:
    """Text from a file, a database or a model, fit for the terminal: control characters shown, markup inert."""
    from rich.markup import escape

    shown = "".join(c if c in "\n\t" or (c.isprintable() and not _reorders(c)) else f"\\x{ord(c):02x}" for c in text)
    return str(escape(shown))


def _reorders(character: str) -> bool:
    """Whether a character changes the direction of the text after it (bidirectional controls)."""
    return character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[int] = ()) -> Any:
    """A plain table: no box, a bold head, numbers of the columns in `right` to the right. Cells may carry markup."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="head", padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if not isinstance(cell, (int, float)) else str(cell) for cell in row))
    return made


def print_json(value: Any) -> None:
    """A value as JSON on stdout, keys in the order given, one trailing line feed."""
    import json

    from ..tools.records import to_plain

    sys.stdout.write(json.dumps(to_plain(value), indent=2, ensure_ascii=False) + "\n")
