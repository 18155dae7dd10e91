"""Expressions that the server prints in two ways come out as one."""

from __future__ import annotations

import pytest

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.schema.canonical import canonical
from agentdb.tools.schema.session import reading

EXPRESSIONS = (
    "v IN ('a', 'b')",
    "v NOT IN ('a', 'it''s', E'back\\\\slash', '])::text[]', '(ARRAY[''x''::character varying])::text[]')",
    "v IN ('a')",
    "v5 IN ('a', 'b')",
    "v = ANY (ARRAY['a', 'b']::varchar[])",
    "v = ANY ('{a,b}'::varchar[])",
    "v IN ('a', lower(t), t || 'x', \"Odd]Name\", v5)",
    "c IN ('a', 'b') AND t IN ('a', v)",
    "n IN (1, 2.5, i) OR i IN (1, 2, b)",
    "(v, i) IN (('a', 1), ('b', 2))",
    "CASE WHEN v IN ('a', 'b') THEN i ELSE b END > 3",
    "d IN ('a', 'b')",
    "tags && ARRAY[v, 'x']::text[]",
    "tags @> (ARRAY[v, v5])::text[]",
    "ARRAY[[v, v5], ['x', 'y']]::text[] IS NOT NULL",
    "ARRAY[i, 3]::numeric(10, 2)[] IS NOT NULL",
    "(ARRAY[v, 'x'])[1] = 'a'",
    "ARRAY['a', 'b']::varchar(5)[] <> ARRAY[v5]",
    "at IN ('2024-01-01', '2025-01-01')",
    "coalesce(v, 'x') = ANY (string_to_array(t, ','))",
    "v IN ('a', 'b') AND (v IN ('c') OR v5 NOT IN ('d', 'e'))",
    "EXISTS (SELECT FROM unnest(ARRAY[v, 'z']::text[]) x WHERE x IN ('q', v))",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_printing_what_was_read_back_changes_nothing(scratch: Connection, expression: str) -> None:
    """A view over the expression is made, printed, made from what was printed, and printed again."""
    with scratch.transaction(force_rollback=True):
        scratch.execute(
            "CREATE DOMAIN public.dom AS varchar(9); CREATE TABLE public.t (v varchar, v5 varchar(5), t text, c char(3),"
            ' n numeric, i integer, b bigint, d public.dom, tags text[], at date, "Odd]Name" varchar)'
        )
        texts = []
        text = f"SELECT ({expression}) AS x FROM public.t"
        for _ in range(2):
            scratch.execute(f"CREATE OR REPLACE VIEW public.v AS {text}".encode())
            with reading(scratch):
                row = scratch.execute("SELECT pg_get_viewdef('public.v'::regclass)").fetchone()
            assert row is not None
            text = row[0]
            texts.append(canonical(text))
        scratch.execute(f"CREATE OR REPLACE VIEW public.v AS {texts[0]}".encode())
    assert texts[0] == texts[1]


def test_strings_and_bodies_are_left_alone() -> None:
    for text in (
        "'(ARRAY[''a''::character varying])::text[]'::text",
        "$$ (ARRAY['a'::character varying])::text[] $$",
        "$f$ (ARRAY['a'::character varying])::text[] $f$",
        '"(ARRAY[x])::text[]"',
        "f(ARRAY['a'::character varying])::text[]",
        "(ARRAY[1, 2])::app.vector",
    ):
        assert canonical(text) == text


def test_the_everyday_case() -> None:
    before = "((status)::text = ANY ((ARRAY['new'::character varying, 'it''s, done'::character varying])::text[]))"
    after = "((status)::text = ANY (ARRAY[('new'::character varying)::text, ('it''s, done'::character varying)::text]))"
    assert canonical(before) == after == canonical(after)


def test_loosely_printed_text() -> None:
    assert canonical("status::text = ANY (ARRAY['a'::character varying, b || c]::text[])") == (
        "status::text = ANY (ARRAY['a'::character varying::text, (b || c)::text])"
    )
