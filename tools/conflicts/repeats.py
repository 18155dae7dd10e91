"""Groups of migrations that are several attempts at one thing."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache

from ..records import Migration
from .case import Case
from .touch import Key, Touch, Touched

# Words that say "once more" in a file name and nothing about what is done.
AGAIN = frozenset(
    """again another attempt bis correct corrected correction final finally fix fixed fixes fixup followup hotfix new
    part quickfix real really redo retries retry revert reverts second temp third tmp try undo wip v2 v3 v4""".split()
)
ALIKE = 0.8  # difflib ratio from which two names without those words are taken as one


@dataclass(frozen=True, slots=True)
class Repeat:
    """Attempts in order, what they share, whether one takes back what another did, and the line in the last one."""

    members: tuple[Migration, ...]
    objects: tuple[str, ...]
    reversal: bool
    line: int


@dataclass(frozen=True, slots=True)
class _Link:
    first: Migration
    second: Migration
    touches: tuple[Touch, ...]
    reversal: bool


@lru_cache(maxsize=8)
def repeats(case: Case) -> tuple[Repeat, ...]:
    """The groups with a pending member: like names and a shared object, or a pending one that drops what another
    pending one creates."""
    links: list[_Link] = []
    earlier: dict[Key, list[Migration]] = {}
    for second in case.ordered:
        mine = case.touched(second)
        places = dict.fromkeys(t.key.whole for t in mine.touches)
        if not case.is_applied(second):
            near = {m.path: m for place in places for m in earlier.get(place, ())}
            links += [link for first in near.values() if (link := _link(case, first, second))]
        for place in places:
            earlier.setdefault(place, []).append(second)
    return _groups(case, links)


def _link(case: Case, first: Migration, second: Migration) -> _Link | None:
    before, after = case.touched(first), case.touched(second)
    back = () if case.is_applied(first) else taken_back(before, after)
    if back:
        again = {t.key for t in after.of("creates")}
        return _Link(first, second, back, not any(t.key in again for t in back))
    if alike(first.name, second.name):
        both = shared(before, after) or (used_by_both(before, after) if says_again(second.name) else ())
        if both:
            return _Link(first, second, both, False)
    return None


def taken_back(first: Touched, second: Touched) -> tuple[Touch, ...]:
    """What the second drops (or renames) of that which the first creates."""
    made = {t.key for t in first.of("creates")} - {t.key for t in first.of("drops")}
    return tuple({t.key: t for t in second.of("drops") if t.key in made}.values())


def shared(first: Touched, second: Touched) -> tuple[Touch, ...]:
    """The touches of the second on things that both create, drop or change."""
    mine = {t.key for t in first.touches if t.action != "uses"}
    return tuple({t.key: t for t in second.touches if t.action != "uses" and t.key in mine}.values())


def used_by_both(first: Touched, second: Touched) -> tuple[Touch, ...]:
    """The touches of the second on tables that both work on."""
    mine = {t.key for t in first.touches if t.key.space == "relation" and not t.key.part}
    return tuple({t.key: t for t in second.touches if t.key in mine}.values())


def words(name: str) -> list[str]:
    """A migration's name in words, without those that only say "once more" and without numbers."""
    parts = name.lower().replace("-", "_").split("_")
    return [p for p in parts if p and p not in AGAIN and not p.isdecimal()]


def says_again(name: str) -> bool:
    """Whether the name holds a word such as fix, again or retry."""
    return any(p in AGAIN for p in name.lower().replace("-", "_").split("_"))


def alike(first: str, second: str) -> bool:
    """Whether two names say the same thing: "fix_index" and "fix_index_again" do."""
    one, two = "_".join(words(first)), "_".join(words(second))
    return one == two or difflib.SequenceMatcher(None, one, two).ratio() >= ALIKE


def _groups(case: Case, links: list[_Link]) -> tuple[Repeat, ...]:
    """Linked migrations as groups, in order."""
    leader: dict[str, str] = {}

    def find(path: str) -> str:
        while leader.setdefault(path, path) != path:
            path = leader[path]
        return path

    for link in links:
        leader[find(str(link.second.path))] = find(str(link.first.path))
    groups: dict[str, list[Migration]] = {}
    for migration in case.ordered:
        if str(migration.path) in leader:
            groups.setdefault(find(str(migration.path)), []).append(migration)
    found = []
    for members in groups.values():
        paths = {str(m.path) for m in members}
        inside = [link for link in links if str(link.second.path) in paths]
        labels = dict.fromkeys(t.label for link in inside for t in link.touches)
        last = [link for link in inside if link.second is members[-1]] or inside
        line = min(t.line for t in last[-1].touches)
        found.append(Repeat(tuple(members), tuple(labels), any(link.reversal for link in inside), line))
    return tuple(found)
