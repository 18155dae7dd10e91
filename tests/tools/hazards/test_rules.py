"""Every rule raises its bad example and nothing else, leaves its good one alone, and says the same words each time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agentdb.tools.hazards import run
from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.registry import Rule, applying, by_id, by_node, nearest, rules
from agentdb.tools.hazards.run import check
from agentdb.tools.records import Finding, Severity
from agentdb.tools.sql.parse import parse

GOLDEN = Path(__file__).parent / "golden"
RULES = [pytest.param(r, id=r.id) for r in rules()]
WITH_EXAMPLES = [pytest.param(r, id=r.id) for r in rules() if r.bad]


def world(rule: Rule) -> Context:
    """The world of a rule's examples: its setup is all there is, and the runner sets lock_timeout as agentdb does."""
    return Context(
        pg_version=min(18, rule.until or 18),
        in_transaction=rule.wrapped,
        setup=(parse(rule.setup),) if rule.setup else (),
        schema_complete=bool(rule.setup),
        lock_timeout_set=rule.id != "require-lock-timeout",
        enabled=(rule.id,),
    )


def found(rule: Rule, sql: str) -> list[Finding]:
    return [f for f in check(parse(sql), path="example.sql", context=world(rule)) if not f.ignored]


def test_there_are_many_rules() -> None:
    assert len(rules()) >= 90
    assert len({r.id for r in rules()}) == len(rules())


@pytest.mark.parametrize("rule", WITH_EXAMPLES)
def test_the_bad_example_raises_exactly_its_rule(rule: Rule) -> None:
    assert {f.rule for f in found(rule, rule.bad)} == {rule.id}


@pytest.mark.parametrize("rule", WITH_EXAMPLES)
def test_the_good_example_raises_nothing(rule: Rule) -> None:
    assert [f.rule for f in found(rule, rule.good)] == []


@pytest.mark.parametrize("rule", WITH_EXAMPLES)
def test_the_words_are_those_of_the_golden_file(rule: Rule, request: pytest.FixtureRequest) -> None:
    told = "".join(
        f"{f.path}:{f.line} {f.severity.value} {f.rule}\n{f.why}\n{f.fix}\n{', '.join(f.objects)}\n\n"
        for f in found(rule, rule.bad)
    )
    path = GOLDEN / f"{rule.id}.txt"
    if request.config.getoption("--update-golden", default=False):
        path.write_text(told, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == told, "run pytest --update-golden and read the diff"


def test_no_golden_file_is_left_of_a_rule_that_is_gone() -> None:
    assert {p.stem for p in GOLDEN.glob("*.txt")} == {r.id for r in rules() if r.bad}


@pytest.mark.parametrize("rule", RULES)
def test_a_record_is_whole(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.id)
    assert rule.check.__module__.rpartition(".")[2] == rule.id.replace("-", "_"), "one rule a file, named as its id"
    assert rule.title and rule.source and rule.fix
    assert rule.title[0] == rule.title[0].upper() or rule.title.split()[0] in ("char(n)", "json", "serial")
    assert rule.why.endswith((".", ")"))
    assert bool(rule.bad) == bool(rule.good)


@pytest.mark.parametrize("rule", WITH_EXAMPLES)
def test_a_message_is_two_sentences_of_why_and_one_of_what_to_write(rule: Rule) -> None:
    if rule.id in ("unused-ignore", "expired-ignore", "malformed-ignore"):
        return
    for finding in found(rule, rule.bad):
        assert len(re.findall(r"(?<!\.)\.(?:\s|$)", finding.why)) == 2, finding.why
        assert finding.fix.endswith((".", ";")), finding.fix
        assert "None" not in finding.why + finding.fix and "  " not in finding.why + finding.fix


@pytest.mark.parametrize("rule", [pytest.param(r, id=r.id) for r in rules() if not r.enabled])
def test_advice_that_is_off_stays_silent_until_asked_for(rule: Rule) -> None:
    import dataclasses

    quiet = dataclasses.replace(world(rule), enabled=())
    assert rule.id not in {f.rule for f in check(parse(rule.bad), context=quiet)}
    loud = dataclasses.replace(quiet, severity={rule.id: "error"})
    assert Severity.ERROR in {f.severity for f in check(parse(rule.bad), context=loud) if f.rule == rule.id}


def test_rules_are_found_by_the_nodes_they_look_at() -> None:
    assert by_id()["require-concurrent-index"] in by_node()["index_stmt"]


def test_the_nearest_rules_to_a_misspelt_word() -> None:
    assert nearest("adding-chek")[0] == "adding-check"
    assert "require-concurrent-index" in nearest("concurrent-index")
    assert nearest("zzzzzz") == ()


def test_what_an_alter_table_does_says_which_rules_are_asked() -> None:
    asked = {r.id for r in applying("alter_table_stmt", 18, frozenset({"DropNotNull"}))}
    assert "dropping-not-null" in asked and "require-lock-timeout" in asked
    assert not asked & {"adding-check", "setting-not-null", "ban-drop-column"}


@pytest.mark.parametrize("rule", WITH_EXAMPLES)
def test_a_rule_that_is_not_asked_would_have_said_nothing(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    def everyone(node_name: str, version: int, acts: frozenset[str], wanted: frozenset[str]) -> tuple[Rule, ...]:
        every = (*by_node().get("*", ()), *by_node().get(node_name, ()))
        on = (r for r in every if r.holds_for(version) and (r.enabled or r.id in wanted))
        return tuple(sorted(on, key=lambda r: r.late))

    chosen = [found(rule, sql) for sql in (rule.bad, rule.good)]
    monkeypatch.setattr(run, "applying", everyone)
    assert [found(rule, sql) for sql in (rule.bad, rule.good)] == chosen
