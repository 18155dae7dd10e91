"""A certificate holds for the scripts that were proven, and for no others."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdb.tools.naming import checksum, normalised
from agentdb.tools.records import Certificate, CertificateClass
from agentdb.tools.rollback.binding import holds_for

UP = "ALTER TABLE people\n  DROP COLUMN age; -- é\nUPDATE people SET name = 'x' || chr(10);\n"
DOWN = "ALTER TABLE people ADD COLUMN age int;\n"
CAPTURE = "CREATE TABLE agentdb_archive.m AS SELECT id, age FROM people;\n"
CERTIFICATE = Certificate(CertificateClass.LOSSLESS, True, "", checksum(UP), checksum(DOWN), checksum(CAPTURE))


def test_it_holds_for_what_was_proven() -> None:
    assert holds_for(CERTIFICATE, UP, DOWN, CAPTURE)
    assert holds_for(CERTIFICATE, UP.replace("\n", "\r\n"), "\ufeff" + DOWN, CAPTURE + "\n\n")
    assert not holds_for(CERTIFICATE, UP, DOWN)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.sampled_from((0, 1, 2)), st.integers(0, 200), st.characters(), st.sampled_from(("put", "change", "drop")))
def test_any_other_character_unbinds_it(script: int, place: int, character: str, how: str) -> None:
    texts = [UP, DOWN, CAPTURE]
    text = texts[script]
    place %= len(text)
    texts[script] = text[:place] + ("" if how == "drop" else character) + text[place + (how != "put") :]
    same = [normalised(t) for t in texts] == [normalised(t) for t in (UP, DOWN, CAPTURE)]
    assert holds_for(CERTIFICATE, *texts) is same
    if same:  # only line ends and blanks before them may differ
        assert "".join(texts[script].split()) == "".join(text.split())


def test_swapped_scripts_are_others() -> None:
    assert not holds_for(CERTIFICATE, DOWN, UP, CAPTURE)
    assert not holds_for(CERTIFICATE, UP, CAPTURE, DOWN)
