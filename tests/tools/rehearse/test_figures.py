"""The arithmetic of a rehearsal, and its pictures, without a server."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from agentdb.tools.ledger.execute import Limits
from agentdb.tools.rehearse import chart
from agentdb.tools.rehearse.advice import advise, candidates, enough, shown
from agentdb.tools.rehearse.carry import span
from agentdb.tools.rehearse.drawing import svg
from agentdb.tools.rehearse.trial import Look, Trial, Waits, waits


def trial(
    name: str, longest: float, *, ok: bool = True, timeout: str = "0", held: float = 0.0, behind: int = 3
) -> Trial:
    looks = tuple(Look(n / 10, behind, behind > 0, behind, False, n / 10) for n in range(5))
    limits = Limits(lock_timeout=timeout)
    return Trial(name, limits, ok, "", 1, 4.0, 4.0, held, Waits(9, longest), Waits(), Waits(), looks, (0.0, 0.2))


def test_a_statement_that_keeps_others_from_being_sent_counts_for_them() -> None:
    found = waits([0.01] * 96 + [0.35])
    assert found.count == 100, "three more were due while it took"
    assert found.longest == 0.35 and found.long == 3
    assert (found.median, found.p95) == (0.01, 0.01)
    assert waits([]) == Waits()


def test_attempts_outlast_what_they_are_said_to_outlast() -> None:
    limits = Limits(lock_timeout="200ms", lock_attempts=4, retry_seconds=1)
    assert span(limits, luck=1) == pytest.approx(4 * 0.2 + 1 + 2 + 4)
    more = enough(limits, 30)
    assert span(more) >= 60 > span(replace(more, lock_attempts=more.lock_attempts - 1))


def test_candidates_are_the_most_patient_that_can_meet_the_goal() -> None:
    plain, now = trial("plain", 4.0), trial("as configured", 2.0, timeout="2s")
    assert [c.lock_timeout for c in candidates(plain, now, 0.5, Limits(), 4)] == ["200ms", "100ms", "50ms"]
    assert [c.lock_timeout for c in candidates(trial("plain", 60), trial("now", 3), 2, Limits(), 4)] == [
        "1s",
        "500ms",
        "200ms",
    ]
    assert candidates(plain, trial("as configured", 0.3, timeout="200ms"), 0.5, Limits(), 4) == []
    assert candidates(trial("plain", 4.0, behind=0), now, 0.5, Limits(), 4) == [], "nobody waited behind it"


def test_advice_takes_what_got_through_and_keeps_the_goal() -> None:
    plain, now = trial("plain", 4.0), trial("as configured", 2.0, timeout="2s")
    refused, good = trial("lock_timeout 200ms", 0.2, ok=False, timeout="200ms"), trial("b", 0.1, timeout="100ms")
    found = advise(plain, now, [refused, good], 0.5, 4)
    assert (found.trial, found.met, found.factor) == ("b", True, 40)
    near = advise(plain, now, [refused], 0.5, 4)
    assert (near.trial, near.met) == ("as configured", False)
    assert "No way kept" in near.lines[0]
    none = advise(replace(plain, ok=False), replace(now, ok=False), [refused], 0.5, 4)
    assert (none.trial, none.met) == (None, False)


def test_a_migration_that_is_slow_itself_is_told_so() -> None:
    slow = trial("plain", 9.0, held=5.0), trial("as configured", 9.0, timeout="2s", held=5.0)
    assert any("holds its lock for 5.0 s" in line for line in advise(*slow, [], 0.5, 4).lines)


def test_bars_share_a_scale_and_know_ascii() -> None:
    low, high = trial("plain", 1, behind=4), trial("b", 1, behind=8)
    longest, most = chart.scale([low, high])
    assert (longest, most) == (0.4, 8)
    top, bottom = chart.bars(low, longest=longest, most=most, width=8, height=2)
    assert top == " " * 8 and bottom == "█" * 8
    assert chart.bars(high, longest=longest, most=most, width=8, height=2) == ["█" * 8] * 2
    assert "".join(chart.bars(high, longest=longest, most=most, width=8, ascii_only=True)).isascii()
    assert chart.bars(replace(low, looks=()), longest=1, most=1, width=3, height=1) == ["   "]
    assert len(chart.axis(4.0, 40)) == 40


def test_the_picture_is_well_formed_and_the_same_every_time() -> None:
    trials = [trial("plain", 4.0), trial("b", 0.1, timeout="100ms")]
    text = svg('001_a<b>&"c"', trials)
    assert text == svg('001_a<b>&"c"', trials)
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == 'Sessions waiting for a lock while 001_a<b>&"c" runs'  # type: ignore[union-attr]
    assert "at most 3 waited" in str(root.find(f"{space}desc").text)  # type: ignore[union-attr]
    assert len(root.findall(f"{space}path[@class='line']")) == 2
    assert "prefers-color-scheme" in text


def test_seconds_are_shown_for_people() -> None:
    assert [shown(s) for s in (0.0354, 0.9999, 1.74, 240)] == ["35 ms", "1.0 s", "1.7 s", "4 min"]
