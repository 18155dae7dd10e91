"""The diagram: right, readable by Mermaid, the same every time, and no box on another."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdb.tools.docs.drawing import svg
from agentdb.tools.docs.erd import Diagram, Entity, Field, Link, diagram, mermaid, mermaid_of, short_type
from agentdb.tools.docs.erd_page import page
from agentdb.tools.docs.groups import MOST_CHARACTERS, MOST_LINKS, MOST_TABLES, groups
from agentdb.tools.docs.layout import Box, Line, layered
from agentdb.tools.docs.outline import Outline
from agentdb.tools.schema.model import ObjectId, Snapshot

from .conftest import Changed

HEAD = re.compile(r'    ([a-z][a-z0-9_]*|[0-9_][a-z0-9_]*)\["[^"%\r\n\v\b\\]+"\]( \{)?')
FIELD = re.compile(
    r"        [A-Za-z][A-Za-z0-9_()\[\]]* [A-Za-z][A-Za-z0-9_]*( (PK|FK|UK)(, (PK|FK|UK))*)?( \"[^\"]+\")?"
)
LINK = re.compile(r'    (\w+) (\|\||\|o)--(o\||o\{) (\w+) : "[^"]*"')


def check_mermaid(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of the tables and ends of the links, when every line has the form that Mermaid's grammar takes.
    Source: Mermaid 11, erDiagram.jison."""
    lines = text.removesuffix("\n").split("\n")
    assert lines[0] == "erDiagram"
    names: list[str] = []
    links = []
    inside = False
    for line in lines[1:]:
        if inside:
            inside = line != "    }"
            assert not inside or FIELD.fullmatch(line), line
        elif head := HEAD.fullmatch(line):
            names.append(head[1])
            inside = bool(head[2])
        else:
            link = LINK.fullmatch(line)
            assert link, line
            links.append((link[1], link[4]))
    assert not inside
    assert len(set(names)) == len(names)
    assert {end for link in links for end in link} <= set(names)
    return names, links


def test_tables_keys_and_links_are_drawn(schema: Snapshot) -> None:
    names, links = check_mermaid(mermaid(schema))
    assert "public_orders" in names and "public_log_2026" not in names
    assert ("public_users", "public_orders") in links and ("public_users", "public_users") in links
    text = mermaid(schema)
    assert "        bigint user_id FK\n" in text
    assert '        text mail UK "Lower case"\n' in text
    assert "        bigint order_id PK, FK\n" in text


def test_ends_of_a_link_say_how_many(schema: Snapshot) -> None:
    text = mermaid(schema)
    assert 'public_users ||--o{ public_orders : "user_id"' in text  # a row must have its parent
    assert 'public_users |o--o{ public_users : "boss"' in text  # or may
    assert 'public_orders |o--o| billing_invoices : "order_id"' in text  # and is its only one
    assert 'public_orders ||--o{ public_items : "order_id"' in text  # half of a key is not unique


def test_hostile_names_are_drawn_without_harm(changed: Changed) -> None:
    name = 'a"b;<i>%%{init}#35;|[x]{y}`\\'
    quoted = '"' + name.replace('"', '""') + '"'
    made = changed(
        f'CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, "2" int, "é" text, "\u202e" text);'
        f"COMMENT ON COLUMN {quoted}.{quoted} IS '\"; DROP </title><script>';"
        f'CREATE TABLE "click x call" (id int REFERENCES {quoted});'
    )
    names, links = check_mermaid(mermaid(made))
    assert len(names) == 8 and len(links) == 5
    drawn = diagram(Outline(made))
    ElementTree.fromstring(svg(drawn))
    text = page(drawn, "<!-- x -->")
    assert "<i>" not in text and text.count("<script>") == 1


def test_same_names_in_two_schemas_are_two_tables(changed: Changed) -> None:
    made = changed("CREATE SCHEMA a; CREATE SCHEMA a_b; CREATE TABLE a.b_c (x int); CREATE TABLE a_b.c (x int);")
    check_mermaid(mermaid(made))


def test_picture_is_a_file_that_needs_no_other(schema: Snapshot) -> None:
    drawn = diagram(Outline(schema))
    for text in (svg(drawn), page(drawn, "<!-- x -->")):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg\")", text)
        assert not re.search(r"\b(src|href)=|@import|url\(", text)


def test_page_is_well_formed(schema: Snapshot) -> None:
    class Parser(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.stack: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "input"):
                self.stack.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    parser = Parser()
    parser.feed(page(diagram(Outline(schema)), "<!-- x -->"))
    assert parser.stack == []


def test_drawing_does_not_depend_on_the_order_of_reading(schema: Snapshot) -> None:
    turned = Snapshot(schema.engine, schema.server_version, 1, dict(reversed(list(schema.objects.items()))))
    assert svg(diagram(Outline(schema))) == svg(diagram(Outline(turned)))


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("character varying(50)", "varchar(50)"),
        ("timestamp(3) with time zone", "timestamptz(3)"),
        ("timestamp without time zone[]", "timestamp[]"),
        ("public.mood", "mood"),
        ("billing.mood", "billing.mood"),
        ("double precision", "float8"),
        ("character(2)", "char(2)"),
    ],
)
def test_types_are_short(full: str, short: str) -> None:
    assert short_type(full) == short


def made_up(schemas: list[str], links: list[tuple[int, int]], columns: int = 3) -> Diagram:
    """A diagram of tables t0, t1 ... in the schemas given for each."""
    ids = [ObjectId("table", s, "", f"t{n}") for n, s in enumerate(schemas)]
    fields = tuple(Field(f"c{n}", "numeric(12,2)", (), True, "some words on it") for n in range(columns))
    entities = tuple(sorted((Entity(i, f"{i.schema}_{i.name}", str(i), "", fields) for i in ids), key=lambda e: e.id))
    found = {(a % len(ids), b % len(ids)) for a, b in links}
    made = tuple(Link(f"k{a}_{b}", ids[a], ("c1",), ids[b], ("c0",), a % 2 == 0, a % 3 == 0) for a, b in sorted(found))
    return Diagram(entities, made)


DIAGRAMS = st.builds(
    made_up,
    st.lists(st.sampled_from(["a", "a", "b"]), min_size=1, max_size=25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=45),
)


@settings(max_examples=60, deadline=None)
@given(DIAGRAMS)
def test_no_box_lies_on_another_and_lines_end_at_their_boxes(drawn: Diagram) -> None:
    boxes = [Box(e.key, 100.0 + 7 * n, 60.0 + 11 * (n % 5)) for n, e in enumerate(drawn.entities)]
    keys = {e.id: e.key for e in drawn.entities}
    lines = [Line(k.name, keys[k.child], keys[k.parent], 20.0, 10.0) for k in drawn.links]
    placed = layered(boxes, lines)
    corners = [(*placed.boxes[b.key], b.width, b.height) for b in boxes]
    for n, (x, y, w, h) in enumerate(corners):
        assert x >= 0 and y >= -0.01 and x + w <= placed.width + 0.01 and y + h <= placed.height + 0.01
        for ox, oy, ow, oh in corners[n + 1 :]:
            assert x + w <= ox or ox + ow <= x or y + h <= oy + 0.01 or oy + oh <= y + 0.01
    sizes = {b.key: b for b in boxes}
    for line in lines:
        for key, (x, y), port in (
            (line.child, placed.lines[line.key][0], 20.0),
            (line.parent, placed.lines[line.key][-1], 10.0),
        ):
            left, top = placed.boxes[key]
            assert y == pytest.approx(top + port)
            assert x == pytest.approx(left) or x == pytest.approx(left + sizes[key].width)


@settings(max_examples=25, deadline=None)
@given(DIAGRAMS)
def test_any_diagram_is_an_svg(drawn: Diagram) -> None:
    root = ElementTree.fromstring(svg(drawn))
    tables = [e for e in root.iter() if e.get("class") == "table"]
    links = [e for e in root.iter() if e.get("class") == "link"]
    assert len(tables) == len(drawn.entities) and len(links) == len(drawn.links)


def test_large_diagram_is_cut_into_parts_that_mermaid_draws() -> None:
    links = [(n, n // 3) for n in range(1, 300)] + [(n, 0) for n in range(1, 300, 2)]
    drawn = made_up(["a" if n % 3 else "b" for n in range(400)], links, columns=30)
    parts = groups(drawn)
    assert sorted(t for g in parts for t in g.tables) == sorted(e.id for e in drawn.entities)
    for group in parts:
        part = drawn.part(set(group.tables))
        text = mermaid_of(part)
        check_mermaid(text)
        assert len(group.tables) <= MOST_TABLES and len(text) <= MOST_CHARACTERS and len(part.links) <= MOST_LINKS
    assert len(parts) < 45


def test_table_with_very_many_columns_still_fits() -> None:
    drawn = made_up(["a", "a"], [(0, 1)], columns=1600)
    for group in groups(drawn):
        text = mermaid_of(drawn.part(set(group.tables)))
        check_mermaid(text)
        assert len(text) <= MOST_CHARACTERS
    assert "and 1577 more" in svg(drawn)


def test_small_diagram_is_one_part(schema: Snapshot) -> None:
    assert [g.name for g in groups(diagram(Outline(schema)))] == ["all tables"]
