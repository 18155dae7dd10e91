"""One value for a column: right for its type, near what its name and its checks ask, the same on every run.

Values are texts as PostgreSQL's input functions read them (JSON values for json and jsonb), or None.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import uuid
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from .seed_catalog import Type
from .seed_hints import Hint, hints
from .seed_patterns import like, like_fits, matching

START = dt.datetime(2026, 1, 5, 9, 0, 0)
WORDS = (
    "amber birch cedar delta ember fjord grove harbor indigo juniper kestrel lagoon meadow north olive prairie quartz river "
    "saffron tundra umber valley willow yarrow zephyr"
).split()
LONG_TEXTS = ("note", "notes", "comment", "body", "description", "text", "content", "message", "summary", "details")
INTEGERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**31 - 1}
TEXTS = {"text", "varchar", "bpchar", "name", "citext"}
TIMES = {"date", "timestamp", "timestamptz"}
# One good value for types of which a table rarely has more than one column; {n} is the row's number.
FIXED = {
    "char": "a",
    "xid": "{n}",
    "xid8": "{n}",
    "cid": "{n}",
    "tid": "(0,{n})",
    "pg_lsn": "0/{n}",
    "pg_snapshot": "{n}:{n}:",
    "txid_snapshot": "{n}:{n}:",
    "jsonpath": "$.a",
    "regclass": "pg_class",
    "regtype": "integer",
    "regproc": "now",
    "regprocedure": "now()",
    "regnamespace": "public",
    "regrole": "postgres",
    "regconfig": "simple",
    "regdictionary": "simple",
    "regoper": "||/",
    "regoperator": "+(integer,integer)",
    "regcollation": "\"C\"",
    "point": "({n},1)",
    "line": "{{1,2,{n}}}",
    "lseg": "[(0,0),({n},1)]",
    "box": "((0,0),({n},1))",
    "path": "((0,0),({n},1))",
    "polygon": "((0,0),({n},0),({n},1))",
    "circle": "<(0,0),{n}>",
    "tsvector": "'row':1 'n{n}':2",
    "tsquery": "'row' & 'n{n}'",
    "interval": "{n} hours",
    "xml": "<row n=\"{n}\"/>",
    "hstore": "\"n\"=>\"{n}\"",
    "ltree": "top.n{n}",
    "lquery": "top.n{n}",
    "cube": "({n})",
    "seg": "{n}",
    "money": "{n}.50",
}  # fmt: skip


class Unsupported(Exception):
    """No value can be made for a type; the message names it."""


class Values:
    """Makes values, given every type of the database by oid."""

    def __init__(self, types: Mapping[int, Type]) -> None:
        self.types = types

    def make(
        self, oid: int, modifier: int, hint: Hint, number: int, chance: random.Random, name: str = "", *, distinct: bool
    ) -> Any:
        """A value for row `number` (from 1). distinct: the number must show in it, since values must differ."""
        kind = self.types.get(oid)
        if kind is None:
            raise Unsupported(f"type {oid}")
        if kind.sort == "d":
            inner = _both(hint, hints(kind.checks or (), number if len(kind.checks or ()) else 0).get("value", Hint()))
            return self.make(kind.base, kind.modifier, inner, number, chance, name, distinct=distinct)
        if hint.values:
            allowed = [v for v in hint.values if v not in hint.excluded] or hint.values
            return allowed[number % len(allowed)] if distinct else chance.choice(allowed)
        if kind.sort == "e":
            labels = [v for v in kind.labels or () if v not in hint.excluded]
            if not labels:
                raise Unsupported(f"the enum {kind.name} without values")
            return labels[number % len(labels)] if distinct else chance.choice(labels)
        if kind.sort == "c":
            parts = [self.make(f, m, Hint(), number, chance, distinct=distinct) for f, m in kind.fields or ()]
            return "(" + ",".join("" if p is None else _quoted(p) for p in parts) + ")"
        if kind.sort in ("r", "m"):
            found = self.range(kind.subtype, number)
            return f"{{{found}}}" if kind.sort == "m" else found
        if kind.category == "A" and kind.element:
            return self.array(kind, modifier, hint, number, chance, name, distinct=distinct)
        return self.base(kind.name, modifier, hint, number, chance, name, distinct=distinct)

    def array(
        self, kind: Type, modifier: int, hint: Hint, number: int, chance: random.Random, name: str, *, distinct: bool
    ) -> str:
        count = max(hint.min_count or 0, 1 + number % 3)
        if hint.max_count is not None:
            count = min(count, hint.max_count)
        made = [
            self.make(kind.element, modifier, Hint(), number + i, chance, name, distinct=distinct) for i in range(count)
        ]
        between = ";" if self.types[kind.element].name == "box" else ","
        return "{" + between.join("NULL" if v is None else _quoted(v) for v in made) + "}"

    def range(self, subtype: int, number: int) -> str:
        """Ranges of different rows never meet, so that exclusion constraints hold."""
        name = self.types[subtype].name
        if name in TIMES:
            begin = START + dt.timedelta(days=10 * number)
            return f'["{_time(name, begin)}","{_time(name, begin + dt.timedelta(days=5))}")'
        if name in INTEGERS or name in ("numeric", "float4", "float8"):
            return f"[{10 * number},{10 * number + 5})"
        return "empty"

    def base(
        self, kind: str, modifier: int, hint: Hint, number: int, chance: random.Random, name: str, *, distinct: bool
    ) -> Any:
        if kind in INTEGERS:
            return str(_integer(INTEGERS[kind], hint, number, chance, distinct=distinct))
        if kind in ("numeric", "float4", "float8"):
            return str(_decimal(kind, modifier, hint, number, chance, distinct=distinct))
        if kind in TEXTS:
            width = modifier - 4 if modifier > 4 and kind in ("varchar", "bpchar") else (63 if kind == "name" else None)
            return _text(width, hint, number, chance, name, distinct=distinct)
        if kind == "bool":
            return "true" if chance.random() < 0.5 else "false"
        if kind in TIMES:
            return _time(kind, _moment(kind, hint, number, chance, distinct=distinct))
        if kind in ("time", "timetz"):
            return f"{number // 60 % 24:02}:{number % 60:02}:00" + ("+00" if kind == "timetz" else "")
        if kind == "uuid":
            return str(uuid.UUID(int=chance.getrandbits(128), version=4))
        if kind in ("json", "jsonb"):
            return _json(hint.json_type, number, chance)
        if kind == "bytea":
            return "\\x" + number.to_bytes(4, "big").hex()
        if kind == "inet":
            return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        if kind == "cidr":
            return f"10.{number >> 8 & 255}.{number & 255}.0/24"
        if kind in ("macaddr", "macaddr8"):
            return f"{'08:00:2b:01' if kind == 'macaddr' else '08:00:2b:01:02:03'}:{number >> 8 & 255:02x}:{number & 255:02x}"
        if kind in ("bit", "varbit"):
            width = modifier if modifier > 0 else (1 if kind == "bit" else 8)
            return f"{number % 2**width:0{width}b}"
        if kind in ("vector", "halfvec"):
            return "[" + ",".join(str((number + i) % 10) for i in range(max(modifier, 3))) + "]"
        if kind in FIXED:
            return FIXED[kind].format(n=number)
        raise Unsupported(f"type {kind}")

    def after(self, oid: int, earlier: Any, number: int) -> Any:
        """A value a little greater than `earlier` of the same sort; None where that is not known."""
        kind = self.types.get(oid)
        while kind and kind.sort == "d":
            kind = self.types.get(kind.base)
        if kind is None or earlier is None:
            return None
        try:
            if kind.name in INTEGERS:
                return str(int(Decimal(earlier)) + 1 + number % 5)
            if kind.name in ("numeric", "float4", "float8"):
                return str(Decimal(earlier) + 1 + number % 5)
            if kind.name in TIMES:
                step = dt.timedelta(days=1 + number % 5) if kind.name == "date" else dt.timedelta(hours=1 + number % 5)
                return _time(kind.name, _parsed(str(earlier)) + step)
        except (ValueError, InvalidOperation, OverflowError):
            return None
        return None


def _both(one: Hint, other: Hint) -> Hint:
    """What both ask; where both ask the same thing, the column's word counts."""
    chosen = {f.name: getattr(one, f.name) or getattr(other, f.name) for f in fields(Hint)}
    return replace(one, **chosen)


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(end: tuple[str, bool] | None) -> Decimal | None:
    try:
        return Decimal(end[0]) if end else None
    except InvalidOperation:
        return None


def _integer(most: int, hint: Hint, number: int, chance: random.Random, *, distinct: bool) -> int:
    low, high = _number(hint.low), _number(hint.high)
    least = 1 if low is None else int(low) + (0 if hint.low and hint.low[1] and low == int(low) else 1)
    last = most if high is None else int(high) - (0 if (hint.high and hint.high[1]) or high != int(high) else 1)
    if high is not None and low is None and least > last:
        least = last - 1000
    span = max(last - least + 1, 1)
    found = least + ((number - 1) % span if distinct else chance.randrange(min(span, 500)))
    return found + 1 if str(found) in hint.excluded else found


def _decimal(kind: str, modifier: int, hint: Hint, number: int, chance: random.Random, *, distinct: bool) -> Decimal:
    scale, most = 2, Decimal(10) ** 9
    if kind == "numeric" and modifier >= 4:
        precision = ((modifier - 4) >> 16) & 0xFFFF
        scale = ((modifier - 4) & 0x7FF ^ 1024) - 1024
        most = Decimal(10) ** (precision - scale) - Decimal(10) ** -scale
    low, high = _number(hint.low), _number(hint.high)
    low = (
        Decimal(0)
        if low is None and (high is None or high > 0)
        else (high - 1000 if low is None and high is not None else low)
    )
    assert low is not None
    high = min(most, low + 1000) if high is None else min(high, most)
    step = Decimal(10) ** -scale
    count = max(int((high - low) / step) - 1, 1)
    found = low + step * (1 + (number % count if distinct else chance.randrange(count)))
    found = found.quantize(step, ROUND_DOWN) if scale >= 0 else found.quantize(Decimal(1))
    return min(found, high)


def _text(width: int | None, hint: Hint, number: int, chance: random.Random, name: str, *, distinct: bool) -> str:
    longest = min(w for w in (width, hint.max_length, 10_000) if w is not None)
    found = _named(name.lower(), number, chance, distinct=distinct)
    if any(not _fits(p, found) for p in hint.patterns):
        made = matching(hint.patterns[-1], chance)
        if made is not None:
            return made[:longest]
    if any(not like_fits(p, found) for p in hint.likes):
        found = like(hint.likes[-1], number)
    if len(found) > longest:
        found = _short(number, longest) if distinct or hint.likes else found[:longest]
    if len(found) < hint.min_length:
        found += "x" * (hint.min_length - len(found))
    return found.lower() if hint.case == "lower" else found.upper() if hint.case == "upper" else found


def _fits(pattern: str, text: str) -> bool:
    """The text matches, as far as Python reads the pattern as PostgreSQL does."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _named(name: str, number: int, chance: random.Random, *, distinct: bool) -> str:
    """A text such as one finds in a column of this name."""
    word = chance.choice(WORDS)
    tail = name.rsplit("_", 1)[-1]
    if tail in ("email", "mail"):
        return f"{word}{number}@example.org"
    if tail in ("url", "uri", "link", "website", "href"):
        return f"https://example.org/{word}/{number}"
    if tail in ("phone", "mobile", "fax", "tel"):
        return f"+1555{number:07}"
    if tail in ("currency", "country", "locale", "lang", "language") and not distinct:
        return {"currency": "EUR", "country": "DE"}.get(tail, "en")
    if tail in LONG_TEXTS and not distinct:
        return f"{word} {chance.choice(WORDS)} {chance.choice(WORDS)} {number}"
    return f"{word}-{number}" if distinct or tail in ("name", "slug", "code", "title", "key", "sku", "token") else word


def _short(number: int, width: int) -> str:
    """The number in at most `width` letters, as different from others as that allows."""
    digits, text = "abcdefghijklmnopqrstuvwxyz0123456789", ""
    while len(text) < width and (number or not text):
        number, rest = divmod(number, len(digits))
        text = digits[rest] + text
    return text


def _parsed(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def _moment(kind: str, hint: Hint, number: int, chance: random.Random, *, distinct: bool) -> dt.datetime:
    step = dt.timedelta(days=1) if kind == "date" else dt.timedelta(hours=7)
    ends = []
    for end in (hint.low, hint.high):
        try:
            ends.append(_parsed(end[0]) if end else None)
        except ValueError:
            ends.append(None)
    low, high = ends
    if low and hint.low and not hint.low[1]:
        low += step
    if high is not None:
        low = low or high - 400 * step
        room = max(int((high - low) / step), 1)
        return low + step * (number % room)
    if low is not None:
        return low + step * number
    return START + step * (number if distinct else chance.randrange(-600, 200))


def _time(kind: str, moment: dt.datetime) -> str:
    if kind == "date":
        return moment.date().isoformat()
    return moment.isoformat(" ", "seconds") + ("+00" if kind == "timestamptz" else "")


def _json(wanted: str, number: int, chance: random.Random) -> Any:
    word = chance.choice(WORDS)
    return {"array": [word, number], "string": word, "number": number, "boolean": True}.get(
        wanted, {"n": number, "name": word, "tags": [word]}
    )
