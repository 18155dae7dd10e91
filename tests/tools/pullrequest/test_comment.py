"""The comment: nothing in a record acts in it, it never grows too long, and it says what counts first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile import MARKER, TEXTS, active, shown

from agentdb.errors import UsageError
from agentdb.tools.pullrequest import record as records
from agentdb.tools.pullrequest.comment import LIMIT, comment
from agentdb.tools.pullrequest.escape import block, code, text
from agentdb.tools.pullrequest.record import (
    Base,
    Entry,
    Judgement,
    Locked,
    Record,
    Said,
    WayBack,
    as_json,
    parsed,
    read,
)
from agentdb.tools.pullrequest.verdict import judge
from agentdb.tools.records import Evidence, Finding, Loss, Severity


def record_of(words: str, many: int = 1) -> Record:
    """A record with the words everywhere that text can stand."""
    back = WayBack(
        "LOSSY",
        False,
        words,
        "stale",
        words,
        words,
        "a person",
        f"-- {words}\n{words}",
        words,
        losses=(Loss(words, (words, words), 3, words),),
        differences=(words,),
    )
    entries = [
        Entry(
            words, words, "renamed", words, locks=(Locked(words, words, words),), work=(words,), ok=True, rollback=back
        )
        for _ in range(many)
    ]
    entries.append(Entry(words, words, "added", ok=False, error=words, unknown=words))
    findings = [
        Finding(rule, Severity.ERROR, words, words, words, words, 1, ignored=ignored, id=words)
        for rule in (f"conflict-{words}", words)
        for ignored in ("", words)
        for _ in range(many)
    ]
    return Record(
        words,
        words,
        Base(words, words, words, words),
        Judgement("blocked", (words,) * 3, (words,) * 3, 1),
        measured=True,
        server=words,
        source="migrations",
        notes=(words,),
        migrations=tuple(entries),
        findings=tuple(findings),
        moves=(words,),
        evidence=(Evidence(words, words, words),),
        model=words,
        said=(Said(words, ((words, (words,)),)),),
        struck=2,
    )


@pytest.mark.parametrize("words", TEXTS, ids=range(len(TEXTS)))
def test_nothing_in_a_record_acts(words: str) -> None:
    assert active(comment(record_of(words))) == []


SPECIAL = st.text(st.sampled_from("`*_[]()<>!#|~&@$\\\n -+=:/.1aA'\"{}^%\u202e\u200b"), max_size=30)


@settings(max_examples=40, deadline=None)
@given(st.one_of(SPECIAL, st.text(max_size=20), st.lists(st.sampled_from(TEXTS), max_size=3).map("".join)))
def test_no_text_whatever_acts(words: str) -> None:
    made = record_of(words.encode("utf-8", "replace").decode())
    assert active(comment(made)) == []


def test_the_look_at_a_comment_sees_what_acts() -> None:
    page = f"{MARKER}\n### x\n\n"
    for bad in ("@everyone", "#1", "<img src=x>", "# two", "https://evil.example", "[a](b)", "/close", "<h3>x</h3>"):
        assert active(f"{page}{bad}\n"), bad


def test_a_reader_sees_the_words_as_they_are() -> None:
    made = comment(record_of("a_b|c `x` <b> @you"))
    assert "a_b|c `x` <b> @\u2060you" in shown(made)
    assert "⟨U+202E⟩gnidliub" in shown(comment(record_of(TEXTS[22])))


def test_code_spans_hold_any_run_of_backticks() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`a``") == "``` `a`` ```"
    assert code("") == "(none)"
    assert code("a|b\nc") == "`a\u2502b c`"


def test_scripts_are_shown_to_the_letter() -> None:
    script = "-- ``` </pre> & <b>\n\n/close\n::x\n  SELECT 1;\n"
    made = shown("\n".join(block(script)))
    assert made.strip("\n") == script.strip("\n")


def test_plain_words_stay_plain() -> None:
    assert text("PostgreSQL 18.6, 10000000 rows (F-1)") == "PostgreSQL 18.6, 10000000 rows (F-1)"


@pytest.mark.parametrize("words", ["@" * 5000, "x" * 200_000, "日本" * 3000, "`" * 900])
def test_it_never_grows_too_long(words: str) -> None:
    made = comment(record_of(words, many=20))
    assert len(made.encode()) <= LIMIT < 65_536
    assert "see the report that the job keeps" in made
    assert made.rstrip().splitlines()[-1].startswith("agentdb ")
    assert active(made) == []


def test_the_verdict_comes_first_and_what_is_left_out_is_counted() -> None:
    lines = comment(record_of("words", many=400)).splitlines()
    assert lines[:2] == [MARKER, "### ⛔ agentdb: not ready to merge"]
    assert any("more migrations: see the report" in line for line in lines)


def test_a_record_survives_its_journey(tmp_path: Path) -> None:
    made = record_of(TEXTS[8])
    file = tmp_path / "r.json"
    file.write_text(as_json(made))
    assert read(file) == made
    assert "##[" not in as_json(record_of("##[add-mask]x"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"verdict": {"word": "approved"}}, "verdict"),
        ({"schema_version": 99}, "format 99"),
        ({"migrations": [{"label": 1}]}, "migrations"),
        ({"number": "5; rm"}, "number"),
        ({"fail_on": "@you"}, "fail_on"),
        (None, "JSON"),
    ],
)
def test_what_is_no_record_is_refused_without_being_repeated(change: dict[str, object] | None, word: str) -> None:
    data = "{not json @you" if change is None else json.dumps({**json.loads(as_json(record_of("x"))), **change})
    with pytest.raises(UsageError, match=word) as told:
        parsed(data.encode())
    assert "@you" not in str(told.value) and "; rm" not in str(told.value)


def test_a_record_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_BYTES", 100)
    (tmp_path / "r.json").write_text(as_json(record_of("x")))
    with pytest.raises(UsageError, match="larger"):
        read(tmp_path / "r.json")


FINE = Entry("002_a", "migrations/pending/002_a.sql", "added", ok=True)
PROVEN = WayBack("LOSSLESS", True, "", "current", "migrations/rollback/002_a.sql")


def test_the_verdict_by_fixed_rules() -> None:
    assert judge((), (), fail_on="error").word == "nothing"
    assert judge((replace(FINE, rollback=PROVEN),), (), fail_on="error").word == "fine"
    lossy = replace(FINE, rollback=replace(PROVEN, klass="LOSSY", reason="rows are lost"))
    assert judge((lossy,), (), fail_on="error").reasons == ("002_a: going back is LOSSY (rows are lost)",)
    found = Finding("r", Severity.WARNING, "t", "w", "do this", id="F-1")
    assert (judge((FINE,), (found,), fail_on="error").word, judge((FINE,), (found,), fail_on="warning").exit_code) == (
        "look",
        1,
    )
    broken = replace(FINE, rollback=replace(PROVEN, klass="IMPOSSIBLE", by="a person"))
    assert judge((broken,), (), fail_on="error").exit_code == 3
    assert judge((replace(broken, irreversible=True),), (), fail_on="error").exit_code == 0
    assert judge((replace(FINE, ok=False, error="no"),), (), fail_on="error").exit_code == 3
    untried = judge((replace(FINE, ok=None, unknown="COPY", error="line 1: COPY"),), (), fail_on="error")
    assert (untried.exit_code, untried.reasons) == (3, ("002_a could not be tried, line 1: COPY",))
    assert judge((FINE,), (), fail_on="error", trouble="no server").exit_code == 3
    assert judge((replace(FINE, rollback=PROVEN),), (), fail_on="error", settings_changed=True).word == "look"
