"""Access control lists as sorted sentences that compare and read well."""

from __future__ import annotations

import re
from functools import lru_cache

# Letters of an aclitem. Source: manual, section 5.8 "Privileges", table "ACL Privilege Abbreviations".
PRIVILEGES = {
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "c": "CONNECT",
    "T": "TEMPORARY",
    "s": "SET",
    "A": "ALTER SYSTEM",
    "m": "MAINTAIN",
}

_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)')
_ITEM = re.compile(r'(?P<grantee>"(?:[^"]|"")*"|[^=]*)=(?P<letters>[A-Za-z*]*)/(?P<grantor>.*)', re.DOTALL)


@lru_cache(maxsize=4096)
def grants(acl: str | None, owner: str) -> tuple[str, ...]:
    """The rights in an acl (text of an aclitem array) as sorted "PRIVILEGE TO grantee [WITH GRANT OPTION] [BY grantor]".

    The owner is written OWNER, so a change of owner, which rewrites the acl, shows only as a change of owner.
    """
    found = []
    for whole, plain in _ELEMENT.findall(acl or ""):
        match = _ITEM.fullmatch(re.sub(r"\\(.)", r"\1", whole) or plain)
        if match is None:
            continue
        grantee, grantor = _role(match["grantee"]), _role(match["grantor"])
        to = "PUBLIC" if grantee is None else "OWNER" if grantee == owner else _quoted(grantee)
        by = "" if grantor in (owner, None) else f" BY {_quoted(grantor or '')}"
        for letter, option in re.findall(r"(\w)(\*?)", match["letters"]):
            right = PRIVILEGES.get(letter, letter)
            found.append(f"{right} TO {to}{' WITH GRANT OPTION' if option else ''}{by}")
    return tuple(sorted(found))


def _role(text: str) -> str | None:
    """The role's plain name; None for PUBLIC, which an aclitem writes as nothing."""
    if not text:
        return None
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _quoted(role: str) -> str:
    from ..sql.quote import ident

    return ident(role)
