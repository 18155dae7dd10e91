"""What a model wrote, checked against the facts it was given: what cannot be shown is struck and counted.

A sentence is kept when it cites at least one id, every id that it cites or mentions exists, and every name, file and
number in it stands in the facts. Sentences that state a verdict are struck too: that is not the model's to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_SENTENCE = 400
MAX_SENTENCES = 24
MAX_RAW = 40_000

ID = re.compile(r"\b[A-Z]-\d+\b")
CITED = re.compile(r"\[\s*([A-Z]-\d+(?:\s*[,;]\s*[A-Z]-\d+)*)\s*\]")
QUOTED = re.compile(r"`([^`]+)`")
# What no English word looks like: a name with an underscore or dots inside, a file of SQL with or without a line.
NAME_LIKE = re.compile(r"(?<![\w`])(?:[\w/-]*\w\.(?:sql|md|toml)(?::\d+)?|[A-Za-z0-9]+_[\w.]*\w)(?!\w)")
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d")
# The sentence ends: a stop, then a blank and a capital, a bracket or the end. The citation belongs to it.
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[`\"'(])|\n+")
VERDICT = re.compile(
    r"\b(?:verdict|approved?|approval|approving|exit code|(?:is|are|be|seems?|looks?|perfectly|completely) safe|safe to"
    r"|no (?:risks?|hazards?|danger)|go ahead|ship it|(?-i:LOSSLESS|LOSSY|SCHEMA_ONLY|IMPOSSIBLE|REFUTED|CONFIRMED))\b",
    re.IGNORECASE,
)
TAG = re.compile(r"<[^<>]{0,300}>")
IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()]{0,400}\)")
ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)\S+|\b(?:javascript|data|mailto):\S+", re.IGNORECASE)
MENTION = re.compile(r"@(?=\w)")

Reason = Literal[
    "no citation", "unknown id", "unknown name", "unknown number", "states a verdict", "too much", "repeated", "empty"
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model was told, as one plain value, and what may therefore be cited and named."""

    data: Mapping[str, Any]
    ids: frozenset[str] = frozenset()
    text: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Facts:
        """The facts with every id that stands under a key "id" in them, and all their words for looking up."""
        words = list(_words(data))
        found = {value for key, value in words if key == "id" and ID.fullmatch(value)}
        return cls(data, frozenset(found), "\n".join(value for _, value in words).lower())

    def knows(self, name: str) -> bool:
        """Whether the facts hold this name, file, file:line or phrase as a whole word."""
        file, _, line = name.rpartition(":")
        if file and line.isdigit():
            return self.knows(file) and self.knows_number(line)
        wanted = " ".join(name.lower().split()).strip(".,;:()\"'")
        return bool(wanted) and re.search(rf"(?<![\w]){re.escape(wanted)}(?![\w])", self.text) is not None

    def knows_number(self, number: str) -> bool:
        plain = number.replace(",", "").rstrip(".")
        return re.search(rf"(?<![\d]){re.escape(plain)}(?![\d])", self.text.replace(",", "")) is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence and the ids that show it."""

    text: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a text, and why the rest is not: reasons counts the struck sentences."""

    kept: tuple[Claim, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def struck(self) -> int:
        return sum(self.reasons.values())


def check(claims: Iterable[Claim], facts: Facts, said: Collection[str] = ()) -> Checked:
    """The claims that the facts support, cleaned for print, in their order; the others counted by reason.

    said: sentences that stand already and need not be said again.
    """
    kept: list[Claim] = []
    reasons: dict[str, int] = {}
    for claim in claims:
        good, reason = judge(claim, facts)
        if good is not None and (good.text in said or any(good.text == k.text for k in kept)):
            good, reason = None, "repeated"
        if good is not None and len(kept) >= MAX_SENTENCES:
            good, reason = None, "too much"
        if good is not None:
            kept.append(good)
        else:
            reasons[reason] = reasons.get(reason, 0) + 1
    return Checked(tuple(kept), dict(sorted(reasons.items())))


def judge(claim: Claim, facts: Facts) -> tuple[Claim | None, str]:
    """The claim as it may be printed, or None and the reason why it is struck."""
    inside, text = citations_of(clean(claim.text))
    cites = tuple(dict.fromkeys([*claim.cites, *inside]))
    if not text:
        return None, "empty"
    if len(text) > MAX_SENTENCE:
        return None, "too much"
    if not cites:
        return None, "no citation"
    mentioned = [*cites, *ID.findall(text)]
    if any(i not in facts.ids for i in mentioned):
        return None, "unknown id"
    if VERDICT.search(text):
        return None, "states a verdict"
    bare = ID.sub(" ", text)
    names = [*QUOTED.findall(bare), *NAME_LIKE.findall(QUOTED.sub(" ", bare))]
    if any(not facts.knows(name) for name in names):
        return None, "unknown name"
    if any(not facts.knows_number(number) for number in NUMBER.findall(NAME_LIKE.sub(" ", QUOTED.sub(" ", bare)))):
        return None, "unknown number"
    return Claim(text, cites), ""


def sentences_of(text: str) -> tuple[Claim, ...]:
    """Plain prose as claims: cut into sentences, each with the ids in square brackets at or after its end."""
    pieces = [p.strip() for p in SENTENCE.split(text[:MAX_RAW]) if p.strip()]
    found: list[Claim] = []
    for piece in pieces:
        cites, rest = citations_of(piece)
        if not rest.strip(" .") and found:  # a citation that stands behind the full stop
            found[-1] = Claim(found[-1].text, found[-1].cites + cites)
        else:
            found.append(Claim(rest, cites))
    return tuple(found)


def citations_of(text: str) -> tuple[tuple[str, ...], str]:
    """The ids in square brackets, and the text without them."""
    cites = tuple(i for group in CITED.findall(text) for i in ID.findall(group))
    return cites, re.sub(r"\s+([.,;:!?])", r"\1", " ".join(CITED.sub(" ", text).split()))


def clean(text: str) -> str:
    """The text on one line, with nothing in it that acts: no control, invisible or direction-changing characters, no
    HTML, images or links, and no @mention."""
    text = "".join(c if not unicodedata.category(c).startswith("C") else " " if c in "\n\t\r" else "" for c in text)
    text = unicodedata.normalize("NFC", text)
    before = ""
    while before != text:  # taking one thing out may put another together
        before = text
        text = IMAGE_OR_LINK.sub(lambda m: m[1] if not CITED.fullmatch(m[0]) else m[0], text)
        text = ADDRESS.sub("(link removed)", TAG.sub("", text))
    text = MENTION.sub("@ ", text.replace("<", "‹").replace(">", "›").replace("](", "] ("))
    return " ".join(text.split())


def _words(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of everything in a plain value, keys included, as they may be named."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield "", str(name)
            yield from _words(inner, str(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _words(inner, key)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)
