"""Claims: what the facts show stays, everything else is struck and counted, and nothing printed can act."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdb.agents.claims import Checked, Claim, Facts, check, clean, judge, sentences_of

FACTS = Facts.of(
    {
        "findings": [
            {"id": "F-1", "rule": "require-concurrent-index", "path": "migrations/pending/003_index.sql", "line": 3,
             "title": "CREATE INDEX takes a SHARE lock on orders.", "objects": ["orders", "orders_by_day"]},
            {"id": "F-2", "rule": "ban-drop-column", "path": "migrations/pending/005_drop.sql", "line": 1,
             "title": "Drops billing.invoice.total, 120000 rows.", "objects": ["billing.invoice"]},
        ],
        "evidence": [{"id": "E-0007", "what": "the index build held ShareLock on public.orders"}],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "The index on `orders` blocks writes until it is built [F-1].",
        "It held a ShareLock on `public.orders` [E-0007; F-1].",
        "About 120,000 rows lose `billing.invoice.total` [F-2].",
        "See 003_index.sql:3 and its rule `require-concurrent-index` [F-1].",
        "Start with F-2, then F-1 [F-1, F-2].",
        "Use `CREATE INDEX` with care, `orders_by_day` is big [F-1].",
    ],
)
def test_what_the_facts_show_is_kept(text: str) -> None:
    result = check(sentences_of(text), FACTS)
    assert len(result.kept) == 1, result.reasons
    assert "[" not in result.kept[0].text
    assert result.kept[0].cites


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The index blocks writes.", "no citation"),
        ("The index blocks writes [F-9].", "unknown id"),
        ("The index blocks writes, see E-9999 [F-1].", "unknown id"),
        ("The table `moon_base` is dropped [F-2].", "unknown name"),
        ("The table moon_base is dropped [F-2].", "unknown name"),
        ("See 009_moon.sql for more [F-2].", "unknown name"),
        ("See 003_index.sql:44 for more [F-1].", "unknown name"),
        ("It touches 7 million rows [F-2].", "unknown number"),
        ("It takes 12.5 seconds [F-2].", "unknown number"),
        ("This is safe to apply [F-1].", "states a verdict"),
        ("The verdict is fine [F-1].", "states a verdict"),
        ("The person has approved it [F-1].", "states a verdict"),
        ("F-1 was REFUTED in the sandbox [F-1].", "states a verdict"),
        ("long " * 200 + "[F-1].", "too much"),
        ("[F-1]", "empty"),
        ("\u202e\u200b\x07 [F-1]", "empty"),
    ],
)
def test_what_they_do_not_show_is_struck(text: str, reason: str) -> None:
    result = check(sentences_of(text), FACTS)
    assert (result.kept, dict(result.reasons)) == ((), {reason: 1})


def test_a_name_is_known_as_a_whole_only() -> None:
    assert FACTS.knows("orders") and FACTS.knows("orders_by_day")
    assert not FACTS.knows("order") and not FACTS.knows("by_day") and not FACTS.knows("")
    assert FACTS.knows_number("120,000") and not FACTS.knows_number("1200") and not FACTS.knows_number("20000")


def test_prose_is_cut_into_sentences_with_their_citations() -> None:
    said = sentences_of("One thing [F-1]. Another thing. [E-0007]\nA third without, e.g. this one.")
    assert [(c.text, c.cites) for c in said] == [
        ("One thing.", ("F-1",)),
        ("Another thing.", ("E-0007",)),
        ("A third without, e.g. this one.", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[click](http://evil.example/x)",
        "![pixel](https://evil.example/p.png)",
        "<img src=x onerror=alert(1)>",
        "<scr<script>ipt>alert(1)</script>",
        "[a](b)](http://evil.example)",
        "www.evil.example/steal",
        "javascript:alert(1)",
        "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
        "@everyone and @team/lead",
        "good \u202eevil\u202c \u2066x\u2069 \u200b\ufeff \U000e0041",
    ],
)
def test_nothing_that_acts_is_left(text: str) -> None:
    left = clean(text)
    assert not any(bad in left for bad in ("](", "<", ">", "://", "\x1b", "\x07", "\u202e", "\u2066", "\u200b"))
    assert "@everyone" not in left and "www." not in left and "javascript:" not in left


@given(st.text(st.one_of(st.characters(), st.sampled_from("[]()<>!@:/.w\n\u200b")), max_size=80))
def test_cleaning_ends_and_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert all(c.isprintable() for c in once)


@given(st.text(max_size=300), st.lists(st.sampled_from(["F-1", "F-2", "E-0007"]), max_size=3))
def test_whatever_is_kept_cites_only_what_is_there(text: str, cites: list[str]) -> None:
    good, reason = judge(Claim(text, tuple(cites)), FACTS)
    assert (good is None) == bool(reason)
    if good:
        assert good.cites and set(good.cites) <= FACTS.ids


def test_too_many_sentences_are_cut_and_counted() -> None:
    words = [a + b for a in "abcdefghij" for b in "abcdefghij"]
    result: Checked = check([Claim(f"The index blocks writes, {w}.", ("F-1",)) for w in words], FACTS)
    assert len(result.kept) == 24 and result.reasons == {"too much": 76} and result.struck == 76


def test_a_sentence_that_is_said_again_is_struck() -> None:
    result = check([Claim("The index blocks writes.", ("F-1",))] * 100, FACTS)
    assert len(result.kept) == 1 and result.reasons == {"repeated": 99}
