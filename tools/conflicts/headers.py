"""The `-- depends:` header of a file, with other numbers in it and every other byte as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..files import HEADER

VALUE = re.compile(r"[^,]+")


def with_depends(raw: bytes, changes: Mapping[str, str]) -> str:
    """The file's text with the values of its `-- depends:` lines replaced; line ends and a byte order mark stay.

    Only the comment lines at the top are headers, as files.headers_of reads them.
    """
    lines = raw.decode("utf-8").splitlines(keepends=True)
    for index, line in enumerate(lines):
        stripped = line.lstrip("\ufeff").strip()
        if stripped and not stripped.startswith("--"):
            break
        match = HEADER.fullmatch(stripped)
        if match and match["key"] == "depends" and match["value"]:
            at = line.index(match["value"], line.index(":"))
            value = VALUE.sub(lambda m: _changed(m[0], changes), match["value"])
            lines[index] = line[:at] + value + line[at + len(match["value"]) :]
    return "".join(lines)


def _changed(value: str, changes: Mapping[str, str]) -> str:
    word = value.strip()
    return value.replace(word, changes[word]) if word in changes else value
