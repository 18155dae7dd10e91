-- Everything that changes how the server prints names, constants and definitions, set for this transaction only.
-- pg_temp last: a temporary object hides no catalog. Source: manual, "Client Connection Defaults".
SELECT
    set_config('search_path', 'pg_catalog, pg_temp', true),
    set_config('quote_all_identifiers', 'off', true),
    set_config('standard_conforming_strings', 'on', true),
    set_config('client_encoding', 'UTF8', true),
    set_config('DateStyle', 'ISO, YMD', true),
    set_config('IntervalStyle', 'postgres', true),
    set_config('TimeZone', 'UTC', true),
    set_config('extra_float_digits', '3', true),
    set_config('bytea_output', 'hex', true),
    set_config('lc_monetary', 'C', true),
    set_config('xmlbinary', 'base64', true),
    set_config('jit', 'off', true)
