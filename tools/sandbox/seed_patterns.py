"""A text that matches a pattern: enough of regular expressions and LIKE for what CHECK constraints ask."""

from __future__ import annotations

import random
import re
import string

LETTERS = string.ascii_lowercase
_NAMED = {
    "alpha": string.ascii_letters,
    "alnum": string.ascii_letters + string.digits,
    "digit": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "space": " ",
    "punct": "-",
    "xdigit": "0123456789abcdef",
    "word": string.ascii_letters + string.digits + "_",
}
_ESCAPED = {"d": string.digits, "w": LETTERS + string.digits, "s": " ", "D": LETTERS, "W": "-", "S": LETTERS}
_ENOUGH = 12  # how long an open-ended repetition gets


def matching(pattern: str, chance: random.Random) -> str | None:
    """A text that the regular expression matches; None where the pattern is beyond this. Not verified: the server does."""
    try:
        maker = _Maker(pattern, chance)
        text = maker.alternatives()
        return text if maker.at == len(pattern) else None
    except (IndexError, ValueError):
        return None


def like(pattern: str, number: int) -> str:
    """A text that LIKE accepts."""
    text, escaped = "", False
    for sign in pattern:
        if escaped:
            text, escaped = text + sign, False
        elif sign == "\\":
            escaped = True
        else:
            text += {"%": f"x{number}", "_": LETTERS[number % 26]}.get(sign, sign)
    return text


def like_fits(pattern: str, text: str) -> bool:
    """LIKE accepts the text (patterns with a backslash are never said to fit)."""
    parts = [{"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in pattern]
    return "\\" not in pattern and re.fullmatch("".join(parts), text, re.DOTALL) is not None


class _Maker:
    """Reads the pattern once, from left to right, and writes a match."""

    def __init__(self, pattern: str, chance: random.Random) -> None:
        self.pattern, self.chance, self.at = pattern, chance, 0

    def alternatives(self) -> str:
        found = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            found.append(self.sequence())
        return self.chance.choice(found)

    def sequence(self) -> str:
        text = ""
        while self.peek() not in ("", "|", ")"):
            begin = self.at
            one = self.atom()
            end = self.at
            least, most = self.repetition()
            times = self.chance.randint(least, most)
            for turn in range(times):
                if turn:  # read the same atom again, for other letters
                    after, self.at = self.at, begin
                    one = self.atom()
                    assert self.at == end
                    self.at = after
                text += one
        return text

    def peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def atom(self) -> str:
        sign = self.pattern[self.at]
        self.at += 1
        if sign in "^$":
            return ""
        if sign == "(":
            if self.pattern.startswith("?", self.at):
                if not self.pattern.startswith("?:", self.at):
                    raise ValueError("look-around")
                self.at += 2
            text = self.alternatives()
            if self.pattern[self.at] != ")":
                raise ValueError("unbalanced")
            self.at += 1
            return text
        if sign == "[":
            return self.chance.choice(self.letters())
        if sign == ".":
            return self.chance.choice(LETTERS)
        if sign == "\\":
            escaped = self.pattern[self.at]
            self.at += 1
            if escaped in "AZmMyY":
                return ""
            return self.chance.choice(_ESCAPED[escaped]) if escaped in _ESCAPED else escaped
        return sign

    def letters(self) -> str:
        """The letters of a bracket expression."""
        refuse = self.peek() == "^"
        self.at += refuse
        found, first = "", True
        while first or self.pattern[self.at] != "]":
            first = False
            if self.pattern.startswith("[:", self.at):
                end = self.pattern.index(":]", self.at)
                found += _NAMED[self.pattern[self.at + 2 : end]]
                self.at = end + 2
                continue
            sign = self.pattern[self.at]
            self.at += 1
            if sign == "\\":
                sign = self.pattern[self.at]
                self.at += 1
                if sign in _ESCAPED:
                    found += _ESCAPED[sign]
                    continue
            if self.peek() == "-" and self.pattern[self.at + 1] != "]":
                last = self.pattern[self.at + 1]
                self.at += 2
                found += "".join(chr(c) for c in range(ord(sign), ord(last) + 1))
            else:
                found += sign
        self.at += 1
        if not refuse:
            return found
        return "".join(c for c in string.ascii_letters + string.digits if c not in found)

    def repetition(self) -> tuple[int, int]:
        sign = self.peek()
        if sign in ("*", "+", "?"):
            self.at += 1
            least, most = {"*": (0, _ENOUGH), "+": (1, _ENOUGH), "?": (0, 1)}[sign]
        elif sign == "{":
            end = self.pattern.index("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : end].partition(",")
            self.at = end + 1
            least = int(low or 0)
            most = int(high) if high else (least + _ENOUGH if comma else least)
        else:
            return 1, 1
        if self.peek() == "?":  # not greedy
            self.at += 1
        return least, min(most, least + _ENOUGH)
