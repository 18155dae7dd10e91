"""A page that never grows past its limit: what does not fit is counted and said, never cut in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Block = Sequence[str]
T = TypeVar("T")


def size(lines: Block) -> int:
    """Bytes of the lines in UTF-8, line feeds included. Services count characters; bytes are never fewer."""
    return sum(len(line.encode()) + 1 for line in lines)


class Page:
    """Lines of Markdown, at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._lines: list[str] = []

    def put(self, *lines: str) -> None:
        """Add lines that must stand; the caller knows that they are short."""
        self._lines += lines
        self.used += size(lines)

    def put_all(
        self,
        items: Sequence[T],
        line: Callable[[T], str],
        more: Callable[[int], str],
        *,
        head: Block = (),
        tail: Block = (),
        share: int,
    ) -> None:
        """Add a line for as many of the items as fit into `share` bytes, in order, and say how many did not.

        head and tail go around them, unless there is not a single one. Of the rest no line is made at all.
        """
        left = min(share, self.limit - self.used) - size(head) - size(tail) - 400
        stand: list[str] = []
        for item in items:
            made = line(item)
            if size([made]) > left:
                break
            stand.append(made)
            left -= size([made])
        lines = [*head, *stand, *tail] if stand else []
        if missing := len(items) - len(stand):
            lines += ["", more(missing), ""]
        self.put(*lines)

    @property
    def room(self) -> int:
        return max(0, self.limit - self.used)

    def __str__(self) -> str:
        return "\n".join(self._lines).rstrip() + "\n"
