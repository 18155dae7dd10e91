-- The functions of pgcrypto for a sandbox whose server lacks it: same names, types, volatility and round trips.
-- Digests are real; ciphers are not. Source: manual, F.26 "pgcrypto".
\echo Use "CREATE EXTENSION pgcrypto" to load this file. \quit

CREATE FUNCTION agentdb_sha1(data bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520]::bigint[];
    mask constant bigint := 4294967295;
    padded bytea;
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
BEGIN
    padded := data || '\x80'::bytea || decode(repeat('00', ((119 - length(data) % 64) % 64)), 'hex') || int8send(length(data)::bigint * 8);
    FOR block IN 0 .. length(padded) / 64 - 1 LOOP
        FOR i IN 0 .. 15 LOOP
            w[i] := (get_byte(padded, block * 64 + i * 4)::bigint << 24) | (get_byte(padded, block * 64 + i * 4 + 1)::bigint << 16)
                | (get_byte(padded, block * 64 + i * 4 + 2)::bigint << 8) | get_byte(padded, block * 64 + i * 4 + 3)::bigint;
        END LOOP;
        FOR i IN 16 .. 79 LOOP
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := ((t << 1) | (t >> 31)) & mask;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            IF i < 20 THEN f := (b & c) | ((~b & mask) & d); k := 1518500249;
            ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE f := b # c # d; k := 3395469782;
            END IF;
            t := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := t;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    RETURN decode(lpad(to_hex(h[1]), 8, '0') || lpad(to_hex(h[2]), 8, '0') || lpad(to_hex(h[3]), 8, '0')
        || lpad(to_hex(h[4]), 8, '0') || lpad(to_hex(h[5]), 8, '0'), 'hex');
END
$$;

CREATE FUNCTION digest(bytea, text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE lower($2)
        WHEN 'md5' THEN decode(md5($1), 'hex')
        WHEN 'sha1' THEN @extschema@.agentdb_sha1($1)
        WHEN 'sha224' THEN sha224($1)
        WHEN 'sha256' THEN sha256($1)
        WHEN 'sha384' THEN sha384($1)
        WHEN 'sha512' THEN sha512($1)
    END;
END
$$;
CREATE FUNCTION digest(text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.digest(convert_to($1, 'UTF8'), $2) $$;

CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    block constant int := CASE WHEN lower(type) IN ('sha384', 'sha512') THEN 128 ELSE 64 END;
    padded bytea := CASE WHEN length(key) > block THEN @extschema@.digest(key, type) ELSE key END;
    inner_key bytea;
    outer_key bytea;
BEGIN
    padded := padded || decode(repeat('00', block - length(padded)), 'hex');
    inner_key := padded;
    outer_key := padded;
    FOR i IN 0 .. block - 1 LOOP
        inner_key := set_byte(inner_key, i, get_byte(padded, i) # 54);
        outer_key := set_byte(outer_key, i, get_byte(padded, i) # 92);
    END LOOP;
    RETURN @extschema@.digest(outer_key || @extschema@.digest(inner_key || data, type), type);
END
$$;
CREATE FUNCTION hmac(text, text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.hmac(convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), $3) $$;

CREATE FUNCTION gen_random_bytes(int4) RETURNS bytea LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    found bytea := '';
BEGIN
    WHILE length(found) < $1 LOOP
        found := found || sha256(uuid_send(pg_catalog.gen_random_uuid()));
    END LOOP;
    RETURN substr(found, 1, $1);
END
$$;
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT pg_catalog.gen_random_uuid() $$;

CREATE FUNCTION gen_salt(text, int4) RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    letters constant text := translate(encode(@extschema@.gen_random_bytes(24), 'base64'), '+=', './');
BEGIN
    RETURN CASE lower($1)
        WHEN 'bf' THEN '$2a$' || lpad($2::text, 2, '0') || '$' || left(letters, 22)
        WHEN 'md5' THEN '$1$' || left(letters, 8)
        WHEN 'xdes' THEN '_' || left(letters, 8)
        WHEN 'sha256crypt' THEN '$5$' || left(letters, 16)
        WHEN 'sha512crypt' THEN '$6$' || left(letters, 16)
        ELSE left(letters, 2)
    END;
END
$$;
CREATE FUNCTION gen_salt(text) RETURNS text LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$ SELECT @extschema@.gen_salt($1, 6) $$;
CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    kept text := coalesce(
        substring(salt FROM '^\$2[axy]\$\d\d\$.{22}'), substring(salt FROM '^\$[156]\$[^$]*'),
        substring(salt FROM '^_.{8}'), left(salt, 2));
    digits text := translate(encode(sha256(convert_to(kept || password, 'UTF8')), 'base64'), '+=', './');
BEGIN
    RETURN kept || CASE
        WHEN kept LIKE '$2%' THEN left(digits, 31)
        WHEN kept LIKE '$%' THEN '$' || left(digits, 22)
        ELSE left(digits, 11)
    END;
END
$$;

CREATE FUNCTION encrypt(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT substr(sha256($2), 1, 8) || $1 $$;
CREATE FUNCTION decrypt(bytea, bytea, text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF substr($1, 1, 8) <> substr(sha256($2), 1, 8) THEN
        RAISE EXCEPTION 'Wrong key or corrupt data' USING ERRCODE = '39000';
    END IF;
    RETURN substr($1, 9);
END
$$;
CREATE FUNCTION encrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.encrypt($1, $2 || $3, $4) $$;
CREATE FUNCTION decrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.decrypt($1, $2 || $3, $4) $$;

CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text, text DEFAULT '') RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.encrypt($1, convert_to($2, 'UTF8'), 'aes') $$;
CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text, text DEFAULT '') RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.decrypt($1, convert_to($2, 'UTF8'), 'aes') $$;
CREATE FUNCTION pgp_sym_encrypt(text, text, text DEFAULT '') RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.pgp_sym_encrypt_bytea(convert_to($1, 'UTF8'), $2) $$;
CREATE FUNCTION pgp_sym_decrypt(bytea, text, text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT convert_from(@extschema@.pgp_sym_decrypt_bytea($1, $2), 'UTF8') $$;
CREATE FUNCTION pgp_pub_encrypt_bytea(bytea, bytea, text DEFAULT '') RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    AS $$ SELECT '\xc1'::bytea || $1 $$;
CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea, text DEFAULT '', text DEFAULT '') RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT substr($1, 2) $$;
CREATE FUNCTION pgp_pub_encrypt(text, bytea, text DEFAULT '') RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.pgp_pub_encrypt_bytea(convert_to($1, 'UTF8'), $2) $$;
CREATE FUNCTION pgp_pub_decrypt(bytea, bytea, text DEFAULT '', text DEFAULT '') RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_from(substr($1, 2), 'UTF8') $$;
CREATE FUNCTION pgp_key_id(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT upper(left(md5($1), 16)) $$;
CREATE FUNCTION armor(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT E'-----BEGIN PGP MESSAGE-----\n\n' || encode($1, 'base64') || E'\n-----END PGP MESSAGE-----\n' $$;
CREATE FUNCTION armor(bytea, text[], text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT @extschema@.armor($1) $$;
CREATE FUNCTION dearmor(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT decode(substring($1 FROM E'\n\n(.*)\n-----END'), 'base64') $$;
