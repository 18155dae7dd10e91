"""Whether an expression gives a new value for every row: then a new column's default must be written into each.

Source: manual, ALTER TABLE, Notes (from 11 on a default that is not volatile is stored once); pg_proc.provolatile of
PostgreSQL 18 for the names below.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..sql import grammar
from ..sql.effects import dotted
from .catalog import Catalog, Function

VOLATILE = frozenset(
    """array_sample array_shuffle clock_timestamp currval gen_random_uuid lastval nextval random random_normal set_config
    setseed setval timeofday uuidv4 uuidv7 current_query pg_sleep pg_notify lo_create pg_current_wal_lsn
    uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_salt""".split()
)

# Functions that the server brings along and that are immutable or stable; any other name is taken as volatile,
# which is what CREATE FUNCTION makes unless it is told otherwise.
CALM = frozenset(
    """abs acldefault acos acosd acosh age area array_append array_cat array_dims array_fill array_length array_lower
    array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse array_sort
    array_to_json array_to_string array_upper ascii asin asind asinh atan atan2 atan2d atand atanh bit bit_count
    bit_length bool box bpchar broadcast btrim bytea cardinality casefold cbrt ceil ceiling center char char_length
    character_length chr cidr circle col_description concat concat_ws convert convert_from convert_to cos cosd cosh cot
    cotd crc32 crc32c current_database current_schema current_schemas current_setting current_user date date_add date_bin
    date_part date_subtract date_trunc datemultirange daterange decode degrees diagonal diameter digest div encode
    enum_first enum_last enum_range erf erfc exp extract factorial family float4 float8 floor format format_type gamma
    gcd generate_series get_bit get_byte get_current_ts_config getdatabaseencoding height hmac host hostmask hstore
    inet_client_addr inet_client_port inet_server_addr inet_server_port initcap int2 int4 int4multirange int4range int8
    int8multirange int8range interval is_normalized isclosed isempty isfinite isopen json_array_elements
    json_array_elements_text json_array_length json_build_array json_build_object json_each json_each_text
    json_extract_path json_extract_path_text json_object json_object_keys json_populate_record json_strip_nulls
    json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
    jsonb_concat jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
    jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
    jsonb_populate_record jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_typeof justify_days justify_hours
    justify_interval lcm left length lgamma like line ln log log10 lower lower_inc lower_inf lpad lseg ltrim macaddr
    macaddr8 make_date make_interval make_time make_timestamp make_timestamptz masklen md5 min_scale mod money
    multirange mxid_age name netmask network normalize now npoints num_nonnulls num_nulls numeric nummultirange numnode
    numrange obj_description octet_length oid overlaps overlay parse_ident path phraseto_tsquery pi plainto_tsquery
    point polygon position pow power querytree quote_ident quote_literal quote_nullable radians radius range_merge
    regclass regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regexp_substr repeat replace reverse right round row_to_json rpad rtrim scale session_user
    set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512 sign similar_escape similar_to_escape sin sind
    sinh slope split_part sqrt starts_with statement_timestamp string_to_array string_to_table strip strpos substr
    substring system_user tan tand tanh text time timestamp timestamptz timetz timezone to_ascii to_bin to_char to_date
    to_hex to_json to_jsonb to_number to_oct to_regclass to_regtype to_timestamp to_tsquery to_tsvector
    transaction_timestamp translate trim_array trim_scale trunc tsmultirange tsrange tstzmultirange tstzrange
    tsvector_to_array txid_current uuid_extract_timestamp uuid_extract_version uuid_generate_v3 uuid_generate_v5
    uuid_nil unaccent unistr unnest upper upper_inc upper_inf varbit varchar version websearch_to_tsquery width
    width_bucket xml xml_is_well_formed xmlcomment xmlexists xmltext xpath xpath_exists pg_typeof pg_backend_pid
    pg_postmaster_start_time txid_current_snapshot""".split()
)


class Call(NamedTuple):
    """A function that an expression calls. certain: known to be volatile, not only taken for it."""

    name: str
    certain: bool


def volatile_call(expression: Any, catalog: Catalog, depth: int = 0) -> Call | None:
    """The first volatile function that an expression calls, or None."""
    for _, message in grammar.walk(expression):
        if message.DESCRIPTOR.name != "FuncCall":
            continue
        name = dotted(message.funcname).removeprefix("pg_catalog.").removeprefix("public.")
        known = catalog.functions.get(name)
        if known is not None:
            if known.volatility == "volatile" and not _inlined_calm(known, catalog, depth):
                return Call(name, True)
        elif (bare := name.rpartition(".")[2]) in VOLATILE:
            return Call(name, True)
        elif bare not in CALM:
            return Call(name, False)
    return None


def _inlined_calm(function: Function, catalog: Catalog, depth: int) -> bool:
    """Whether the server inlines the function and what remains is not volatile.

    Source: clauses.c, inline_function: SQL language, no SET, SECURITY DEFINER or STRICT, one SELECT of one expression.
    """
    if function.language != "sql" or not function.simple or depth > 8 or function.node is None:
        return False
    if function.node.HasField("sql_body"):
        body = function.node.sql_body
        if body.WhichOneof("node") != "return_stmt":
            return False
        return volatile_call(body.return_stmt.returnval, catalog, depth + 1) is None
    try:
        [statement] = grammar.raw_statements(function.body)
    except (grammar.GrammarError, ValueError):
        return False
    select = statement.node
    if statement.node_name != "select_stmt" or len(select.target_list) != 1:
        return False
    plain = {"target_list", "limit_option", "op"}
    if any(f.name not in plain for f, _ in select.ListFields()):
        return False
    return volatile_call(select.target_list[0].res_target.val, catalog, depth + 1) is None
