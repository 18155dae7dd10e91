"""The seven forms of a report: whole, valid, and inert whatever the names in it say."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from agentdb.cli.outputs import FORMATS, render, visible
from agentdb.tools.hazards.report import Report
from agentdb.tools.records import Evidence, Finding, Proof, Severity

NASTY = "a|b`c`@all #1 <img src=x onerror=1> [x](https://evil.example) \u202e\x1b[31m\n::error::% ]]> & \"q\" 'r'"


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "ban-drop-table",
        "severity": Severity.ERROR,
        "title": "Table dropped with its rows",
        "why": "DROP TABLE deletes orders. Queries fail.",
        "fix": "Rename it first.",
        "path": "m/001_a.sql",
        "line": 3,
        "statement": 1,
        "objects": ("orders",),
        "evidence": ("E-0001",),
        "proof": Proof.CONFIRMED,
        "id": "F-1",
    }
    return Finding(**{**values, **changes})


REPORT = Report(
    findings=(
        finding(),
        finding(
            id="F-2", severity=Severity.WARNING, rule="dropping-view", title="View dropped", proof=Proof.UNKNOWN, line=4
        ),
        finding(id="F-3", severity=Severity.INFO, rule="prefer-jsonb", title="json cannot be compared", line=5),
        finding(id="F-4", proof=Proof.REFUTED, line=6),
        finding(id="F-5", ignored="gone since March", line=7),
    ),
    evidence=(Evidence("E-0001", "sandbox-statement", "line 3, DROP TABLE: 1.0 ms"),),
    paths=("m/001_a.sql", "m/002_b.sql"),
    statements=9,
    measured=True,
    notes=("measured on PostgreSQL 18",),
)
EMPTY = Report((), paths=("m/001_a.sql",), statements=1)
HOSTILE = Report(
    (finding(path=NASTY, why=NASTY, fix=NASTY, title=NASTY, objects=(NASTY,)), finding(ignored=NASTY, path=NASTY)),
    paths=(NASTY,),
    statements=1,
    notes=(NASTY,),
)


@pytest.mark.parametrize("form", FORMATS)
def test_each_form_tells_the_findings_that_count(form: str) -> None:
    text = render(form, REPORT)
    assert "ban-drop-table" in text and "m/001_a.sql" in text.replace("%3A", ":")
    assert render(form, REPORT) == text
    assert text.endswith("\n")
    assert render(form, EMPTY).isprintable() or "\n" in render(form, EMPTY) or form == "github"


def test_text_says_the_verdict_first() -> None:
    lines = render("text", REPORT).splitlines()
    assert lines[0].startswith("FAIL  2 files, 9 statements: 1 error, 1 warning, 1 info (measured in the sandbox")
    assert "  3: error ban-drop-table  F-1  CONFIRMED E-0001" in lines
    assert "Measured not to happen (1)" in lines and "Ignored (1)" in lines
    assert lines[-1] == "measured on PostgreSQL 18"
    assert render("text", EMPTY).startswith("PASS  1 file, 1 statements: nothing found")


def test_sarif_has_what_the_standard_asks_for() -> None:
    told = json.loads(render("sarif", REPORT))
    assert told["version"] == "2.1.0"
    [run] = told["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "agentdb"
    ids = [r["id"] for r in driver["rules"]]
    assert len(ids) == len(set(ids)) == 3
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["defaultConfiguration"]["level"] in (
            "error",
            "warning",
            "note",
        )
    assert [(r["level"], r["kind"]) for r in run["results"]] == [
        ("error", "fail"),
        ("warning", "fail"),
        ("note", "fail"),
        ("none", "pass"),
        ("error", "fail"),
    ]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "m/001_a.sql"
        assert place["region"]["startLine"] >= 1
        assert result["partialFingerprints"]
    assert run["results"][4]["suppressions"] == [{"kind": "inSource", "justification": "gone since March"}]
    prints = [r["partialFingerprints"]["agentdbFinding/v1"] for r in run["results"]]
    assert len(set(prints)) == 5
    uri = json.loads(render("sarif", HOSTILE))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", uri["artifactLocation"]["uri"])


def test_github_annotations_stay_one_line_each() -> None:
    lines = render("github", REPORT).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[0].startswith("::error file=m/001_a.sql,line=3,title=ban-drop-table%3A Table dropped")
    [hostile] = render("github", HOSTILE).splitlines()
    assert hostile.startswith("::error file=a|b") and "\n" not in hostile
    properties, _, message = hostile.removeprefix("::error ").partition("::")
    assert "%0A%3A%3Aerror%3A%3A%25" in properties
    assert "%0A::error::%25" in message


def test_gitlab_entries_have_fingerprints_of_their_own() -> None:
    told = json.loads(render("gitlab", Report((finding(), finding()), paths=("a",))))
    assert len({e["fingerprint"] for e in told}) == 2
    assert told[0]["location"] == {"path": "m/001_a.sql", "lines": {"begin": 3}}
    assert told[0]["severity"] == "critical"
    assert json.loads(render("gitlab", EMPTY)) == []


@pytest.mark.parametrize("report", [REPORT, EMPTY, HOSTILE], ids=["report", "empty", "hostile"])
def test_junit_is_xml_with_a_case_for_each_file(report: Report) -> None:
    suite = ElementTree.fromstring(render("junit", report)).find("testsuite")
    assert suite is not None
    assert int(suite.attrib["tests"]) == len(report.paths)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    if report is REPORT:
        assert suite.attrib["failures"] == "1"


def test_markdown_is_inert() -> None:
    text = render("markdown", HOSTILE)
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert "@all" not in text, "a mention"
    assert not re.search(r"(?<!\\)<\w", outside), "a tag"
    assert not re.search(r"(?<!\\)\]\(", outside), "a link"
    assert "https://" not in outside and "#1" not in outside
    assert "\x1b" not in text and "\u202e" not in text
    [row] = [line for line in text.splitlines() if line.startswith("| F-1")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6, "the cells of the table"


def test_markdown_shows_the_verdict_and_the_details() -> None:
    text = render("markdown", REPORT, command="run")
    assert text.startswith("### agentdb run: failed\n")
    assert "| F-1 | error | `ban-drop-table` | `m/001_a.sql:3` | CONFIRMED |" in text
    assert "**Measured not to happen**" in text and "gone since March" in text


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_what_moves_the_cursor_is_shown_by_its_number(form: str) -> None:
    assert "\x1b" not in render(form, HOSTILE)
    assert visible("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\x202eb\\x0a"


def test_long_reports_are_cut_in_markdown_only() -> None:
    many = Report(tuple(finding(id=f"F-{n}", line=n) for n in range(1, 201)), paths=("a",))
    assert "150 more are not shown." in render("markdown", many)
    assert len(json.loads(render("json", many))["findings"]) == 200


def test_lines_are_broken_between_words_and_long_words_stay_whole() -> None:
    words = [*("word" for _ in range(60)), "x" * 150, "end"]
    shown = render("text", Report((finding(why=" ".join(words), fix="Mend\tit."),)))
    body = [line.strip() for line in shown.splitlines() if line.startswith("     ")]
    assert " ".join(body).split() == [*words, "Mend", "it."]
    assert sorted(len(line) for line in body)[-2:] == [109, 150]
