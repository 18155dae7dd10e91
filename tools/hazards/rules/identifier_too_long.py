"""A name of more than 63 bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Hit, rule
from ..step import Step
from ..words import shown

LONGEST = 63  # NAMEDATALEN - 1
LONG_WORD = re.compile(r"[^\s,;()]{64}")
LONG_FOREIGN_WORD = re.compile(r"[^\s,;()]{16}")  # 64 bytes may be as few as 16 characters


@rule(
    id="identifier-too-long",
    title="Name cut off after 63 bytes",
    severity=Severity.WARNING,
    category=Category.HYGIENE,
    on=("*",),
    why="PostgreSQL cuts names after 63 bytes and only notes it. Two long names may become the same, and programs that look "
    "for the whole name do not find it.",
    fix="Choose a name of at most 63 bytes.",
    bad="CREATE TABLE a_table_whose_name_is_so_long_that_postgresql_cuts_it_off_at_the_end (id bigint PRIMARY KEY);",
    good="CREATE TABLE a_table_with_a_short_name (id bigint PRIMARY KEY);",
    source="Manual, section 4.1.1 Identifiers and Key Words.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node is None or step.inside or not _may_be_long(step.text):
        return
    for name in dict.fromkeys(grammar.identifiers(step.text)):
        if len(name.encode()) > LONGEST:
            short = name.encode()[:LONGEST].decode(errors="ignore")
            yield Hit(
                f"The name {shown(name)} has {len(name.encode())} bytes: PostgreSQL calls it {shown(short)} and only notes"
                " that. Programs that look for the whole name do not find it.",
                "Choose a name of at most 63 bytes.",
                objects=(short,),
            )


def _may_be_long(text: str) -> bool:
    """Whether a name may have more than 63 bytes. The tree holds names that are cut already, so only the text can tell;
    it is taken apart properly where it has a word, or something between quotes, that long."""
    if not text.isascii():
        return LONG_FOREIGN_WORD.search(text) is not None or '"' in text
    if '"' in text and any(len(part) > LONGEST for part in text.replace('""', "--").split('"')[1:-1]):
        return True
    if len(max(text.split(), key=len, default="")) <= LONGEST:  # a word between blanks holds any shorter one
        return False
    return LONG_WORD.search(text) is not None
