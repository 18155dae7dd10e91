"""Whatever a name or a comment says, it is words on a page and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdb.tools.docs.page import END, NOTES, NOTES_END, PAGE, SECTION, Page, Section, read, rendered
from agentdb.tools.docs.text import block, code, first_line, html, md, mermaid_label, mermaid_word, slug, visible

HOSTILE = (
    "<script>alert(1)</script>",
    "a | b",
    "![x](https://example.org/x.png)",
    "[x](javascript:alert(1))",
    "@someone please",
    "fixes #12",
    "# heading",
    "- list",
    "1. one",
    "``` sql",
    "a `code` b",
    "line\nbreak\r\nand more",
    "\u202eevil",
    "\x00\x1b[31m",
    "<!-- agentdb:end -->",
    "<!-- notes:table -->",
    "$x$ ${y}",
    "&lt;b&gt;",
    "back\\slash",
    "*bold* _it_ ~~gone~~",
    "www.example.org",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_words_in_markdown_hold_no_markup(text: str) -> None:
    said = md(text)
    plain = re.sub(r"\\.", "", said.replace("<br>", ""))  # what is escaped does nothing
    assert not set(plain) & set("<>|`*[]~\n\r\x00\x1b\u202e$!")
    assert not re.search(r"https?://|www\.|@\w|#\d", plain)
    assert not re.match(r"\s*([#+-]|\d+[.)])", plain)


@pytest.mark.parametrize("text", HOSTILE)
def test_code_stays_in_its_cell(text: str) -> None:
    said = code(text)
    assert "|" not in said and "\n" not in said
    if said.startswith("<code>"):
        assert not set(said.removeprefix("<code>").removesuffix("</code>")) - set("&#;") & set("<>`*_[]\\@$!~")
    else:
        assert said.count("`") == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_block_ends_only_at_its_own_fence(text: str) -> None:
    lines = block(f"SELECT 1;\n{text}\n````\nSELECT 2;").split("\n")
    fence = lines[-1]
    assert set(fence) == {"`"} and lines[0] == f"{fence}sql"
    assert not any(line.lstrip(" ").startswith(fence) for line in lines[1:-1])
    assert not any(mark.fullmatch(line) for mark in (PAGE, SECTION, NOTES, NOTES_END) for line in lines)
    assert END not in lines


@given(st.text())
def test_any_text_is_inert_in_html_and_mermaid(text: str) -> None:
    assert not set(html(text)) & set("<>\"'\n\x00")
    assert not set(mermaid_label(text)) & set('"<>#%;`{}[]|\\\n\r')
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", mermaid_word(text))


@given(st.text(max_size=30), st.text(max_size=30))
def test_slug_is_a_file_name_and_never_that_of_another(schema: str, name: str) -> None:
    made = slug(schema, name)
    assert re.fullmatch(r"[a-z0-9_.-]{1,200}", made) and not made.startswith(".")
    assert made != slug(schema, name + "x") and made != slug(schema + "x", name)


def test_names_that_differ_in_case_only_get_files_that_do_not() -> None:
    assert slug("public", "orders") == "public.orders"
    assert slug("public", "Orders").casefold() != slug("public", "ORDERS").casefold()
    assert slug("a", "b.c") != slug("a.b", "c")


def test_unseen_characters_are_spelled_out() -> None:
    assert visible("a\u200bb\u202ec\x07") == "a\\u200bb\\u202ec\\u0007"
    assert first_line("\n\n first \n second") == "first"


@given(
    st.lists(st.text(max_size=80), min_size=1, max_size=4),
    st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=200),
)
def test_page_is_read_back_as_it_was_written(bodies: list[str], note: str) -> None:
    sections = tuple(Section(f"s{i}", f"{i:016x}", f"{md(b)}\n\n{block(b)}", notes=True) for i, b in enumerate(bodies))
    page = Page("schema/x.md", md(bodies[0]) or "x", sections)
    harmless = not any(NOTES_END.fullmatch(line) for line in note.split("\n"))
    found = read(rendered(page, {"s0": note}))
    assert found.ours
    assert {n: (s.facts, s.body) for n, s in found.sections.items()} == {
        s.name: (s.facts, s.body.strip("\n")) for s in sections
    }
    if harmless:
        assert found.notes["s0"].strip() == note.strip()
    assert rendered(page, found.notes) == rendered(page, {"s0": found.notes["s0"]})


def test_notes_that_are_not_closed_are_not_lost() -> None:
    page = Page("schema/x.md", "x", (Section("a", "0" * 16, "A", notes=True), Section("b", "1" * 16, "B")))
    broken = rendered(page, {"a": "mine"}).replace("<!-- /notes:a -->\n", "")
    assert "mine" in read(broken).notes["a"]
    assert "mine" in rendered(page, read(broken).notes)
