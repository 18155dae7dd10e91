"""How migrations are named and fingerprinted."""

from __future__ import annotations

import re
from typing import NamedTuple

# Raised when `normalised` changes, and stored beside every checksum, so that an old ledger is read rightly.
CHECKSUM_VERSION = 1

FILE_NAME = re.compile(r"(?P<version>\d{1,18})_(?P<name>[A-Za-z0-9][A-Za-z0-9_\-]*)\.sql")


class FileName(NamedTuple):
    """A migration's file name in its parts: "007_add_email.sql" is ("007", "add_email")."""

    version: str
    name: str


def parse_name(file_name: str) -> FileName | None:
    """version and name of `NNN_description.sql`, or None when the file is not named like that."""
    match = FILE_NAME.fullmatch(file_name)
    return FileName(match["version"], match["name"]) if match else None


def slug(description: str) -> str:
    """A description as the middle of a file name: lower case words joined by underscores, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "_", description.lower()).strip("_")[:60].strip("_")


def next_version(versions: list[str]) -> str:
    """The next free number, as wide as the widest in use (three digits at least)."""
    width = max([3, *(len(v) for v in versions)])
    return str(max((int(v) for v in versions), default=0) + 1).zfill(width)


def normalised(text: str) -> str:
    """The text as it is fingerprinted: no byte order mark, line feeds only, no trailing blanks on a line, no empty
    lines at the end, exactly one line feed last. An editor or a checkout on another system does not change it."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n") + "\n"


def checksum(text: str) -> str:
    """sha256 of the normalised text, 64 hexadecimal digits."""
    import hashlib  # starts OpenSSL, which checks that only read can do without

    return hashlib.sha256(normalised(text).encode()).hexdigest()
