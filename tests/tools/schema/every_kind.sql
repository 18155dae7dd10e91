-- A schema that holds every kind of object that a snapshot reads, and as many of their properties as fit.
-- Roles are made beforehand (they belong to the server): kind_owner, kind_reader, "kind Writer".

CREATE SCHEMA app AUTHORIZATION kind_owner;
CREATE SCHEMA "Odd Names";
COMMENT ON SCHEMA app IS 'what the application owns';
GRANT USAGE ON SCHEMA app TO kind_reader;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA app;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION btree_gist;
COMMENT ON EXTENSION citext IS 'case does not matter';

-- types
CREATE TYPE app.mood AS ENUM ('sad', 'so so', 'it''s fine', 'happy');
CREATE TYPE app.empty_enum AS ENUM ();
COMMENT ON TYPE app.mood IS 'how people feel';
CREATE TYPE app.address AS (street text COLLATE "C", zip varchar(10), mood app.mood);
COMMENT ON TYPE app.address IS 'where';
COMMENT ON COLUMN app.address.zip IS 'postal code';
CREATE FUNCTION app.seconds(timestamptz, timestamptz) RETURNS float8 LANGUAGE sql IMMUTABLE
    AS 'SELECT extract(epoch FROM $1 - $2)::float8';
CREATE TYPE app.span AS RANGE (subtype = timestamptz, subtype_diff = app.seconds, multirange_type_name = app.spans);
CREATE TYPE app.words AS RANGE (subtype = text, collation = "C");
CREATE DOMAIN app.percent AS numeric(5, 2) DEFAULT 0 NOT NULL CHECK (VALUE >= 0 AND VALUE <= 100);
ALTER DOMAIN app.percent ADD CONSTRAINT no_secret_number CHECK (VALUE <> ALL (ARRAY[13, 42])) NOT VALID;
CREATE DOMAIN app.code AS varchar(8) COLLATE "C" CHECK (VALUE IN ('a', 'b', 'c'));
COMMENT ON DOMAIN app.percent IS 'a share';
COMMENT ON CONSTRAINT no_secret_number ON DOMAIN app.percent IS 'nobody knows why';
GRANT USAGE ON TYPE app.percent TO kind_reader;
REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
CREATE TYPE app.shell;
CREATE TYPE app.pair;
CREATE FUNCTION app.pair_in(cstring) RETURNS app.pair LANGUAGE internal IMMUTABLE STRICT AS 'int8in';
CREATE FUNCTION app.pair_out(app.pair) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out';
CREATE TYPE app.pair (INPUT = app.pair_in, OUTPUT = app.pair_out, INTERNALLENGTH = 8, PASSEDBYVALUE,
    ALIGNMENT = double, CATEGORY = 'P', DELIMITER = ';', DEFAULT = '1');
CREATE COLLATION app.builtin (provider = builtin, locale = 'C.UTF-8');
CREATE COLLATION app.plain (provider = libc, locale = 'C');

-- routines
CREATE FUNCTION app.total(price numeric, quantity integer DEFAULT 1, VARIADIC extras numeric[] DEFAULT ARRAY[0]::numeric[])
    RETURNS numeric LANGUAGE plpgsql STABLE STRICT LEAKPROOF PARALLEL SAFE SECURITY DEFINER COST 7
    SET search_path = app, pg_temp SET work_mem = '8MB' AS $$
BEGIN  -- prices IN ('a'), (ARRAY['x'::character varying])::text[]
    RETURN price * quantity + (SELECT sum(e) FROM unnest(extras) e);
END $$;
CREATE FUNCTION app.total(price integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN price * 2;
CREATE FUNCTION app.listing(OUT id bigint, OUT note text) RETURNS SETOF record LANGUAGE sql ROWS 42
    BEGIN ATOMIC SELECT 1::bigint, 'a'::text WHERE ('x'::varchar) IN ('x', 'y'); END;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.touched := now(); RETURN NEW; END$$;
CREATE FUNCTION app.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN NULL; END$$;
CREATE PROCEDURE app.tidy(IN days integer, INOUT done integer DEFAULT 0) LANGUAGE plpgsql
    SET lock_timeout = '2s' AS $$BEGIN done := days; END$$;
CREATE FUNCTION app.window_rank() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_rank';
CREATE AGGREGATE app.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1', PARALLEL = SAFE,
    COMBINEFUNC = numeric_mul, MSFUNC = numeric_add, MINVFUNC = numeric_sub, MSTYPE = numeric, MINITCOND = '0');
CREATE AGGREGATE app.middle(float8 ORDER BY numeric) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE app.biggest(integer) (SFUNC = int4larger, STYPE = int4, SORTOP = OPERATOR(pg_catalog.>));
CREATE AGGREGATE app.every_row(*) (SFUNC = int8inc, STYPE = int8, INITCOND = 0);
ALTER FUNCTION app.total(integer) DEPENDS ON EXTENSION citext;
COMMENT ON FUNCTION app.total(numeric, integer, numeric[]) IS 'what it costs';
COMMENT ON AGGREGATE app.product(numeric) IS 'multiplied';
COMMENT ON PROCEDURE app.tidy(integer, integer) IS 'cleans up';
REVOKE EXECUTE ON FUNCTION app.touch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.total(integer) TO kind_reader WITH GRANT OPTION;
ALTER FUNCTION app.touch() OWNER TO kind_owner;

-- sequences and tables
CREATE SEQUENCE app.counter AS smallint INCREMENT 5 MINVALUE 5 MAXVALUE 500 START 10 CACHE 3 CYCLE;
COMMENT ON SEQUENCE app.counter IS 'counts';
GRANT USAGE ON SEQUENCE app.counter TO kind_reader;
CREATE UNLOGGED SEQUENCE app.fast_counter;
CREATE TABLE app.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10 SEQUENCE NAME app.customer_numbers),
    name varchar(80) NOT NULL,
    email citext UNIQUE,
    status varchar(20) DEFAULT 'new' CHECK (status IN ('new', 'active', 'gone')),
    kind char(3) COLLATE "C",
    feeling app.mood DEFAULT 'sad',
    share app.percent,
    home app.address,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    attributes app.hstore,
    born date CONSTRAINT born_is_known NOT NULL,
    dropped integer,
    upper_name text GENERATED ALWAYS AS (upper(name)) STORED,
    name_length integer GENERATED ALWAYS AS (length(name)) VIRTUAL,
    touched timestamptz(3) DEFAULT now(),
    counted integer DEFAULT nextval('app.counter'),
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT name_and_kind UNIQUE NULLS NOT DISTINCT (name, kind) INCLUDE (born) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT grown_up CHECK (born < '2015-01-01'::date) NO INHERIT,
    CONSTRAINT not_odd CHECK (status IS NULL OR status NOT IN ('odd', 'even')) NOT ENFORCED
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_vacuum_scale_factor = 0.3);
ALTER TABLE app.customers DROP COLUMN dropped;
ALTER TABLE app.customers OWNER TO kind_owner;
ALTER TABLE app.customers ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN name SET STORAGE EXTERNAL,
    ALTER COLUMN tags SET COMPRESSION pglz, ALTER COLUMN status SET (n_distinct = -0.5), ALTER COLUMN kind SET STATISTICS 0;
ALTER TABLE app.customers ADD CONSTRAINT later CHECK (length(name) > 1) NOT VALID;
ALTER TABLE app.customers ADD CONSTRAINT home_is_known NOT NULL home NOT VALID;
ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.customers REPLICA IDENTITY USING INDEX customers_pkey;
COMMENT ON TABLE app.customers IS 'people who buy; "quoted", and a ''string''';
COMMENT ON COLUMN app.customers.name IS 'as they write it';
COMMENT ON CONSTRAINT grown_up ON app.customers IS 'by law';
GRANT SELECT ON app.customers TO kind_reader;
GRANT UPDATE (name, status) ON app.customers TO "kind Writer";
GRANT SELECT (email) ON app.customers TO PUBLIC;
CREATE INDEX customers_feeling ON app.customers USING hash (feeling);
CREATE INDEX customers_lower ON app.customers (lower(name::text) COLLATE "C" text_pattern_ops DESC NULLS LAST, born)
    INCLUDE (touched) WITH (fillfactor = 60) WHERE status IN ('new', 'active');
ALTER INDEX app.customers_lower ALTER COLUMN 1 SET STATISTICS 300;
CREATE INDEX customers_tags ON app.customers USING gin (tags) WITH (fastupdate = off);
CREATE INDEX customers_span ON app.customers USING brin (touched) WITH (pages_per_range = 8);
CREATE UNIQUE INDEX customers_name ON app.customers (name, born DESC);
CREATE INDEX customers_kind ON app.customers (kind);
CREATE INDEX customers_like ON app.customers (name varchar_pattern_ops);
ALTER TABLE app.customers CLUSTER ON customers_name;
COMMENT ON INDEX app.customers_tags IS 'for search';
CREATE STATISTICS app.name_and_born (ndistinct, dependencies) ON name, born FROM app.customers;
CREATE STATISTICS app.of_an_expression ON lower(name::text), (born + 1) FROM app.customers;
CREATE STATISTICS app.of_a_list ON (status IN ('new', 'gone')), (name || 'x') FROM app.customers;
ALTER STATISTICS app.name_and_born SET STATISTICS 77;
COMMENT ON STATISTICS app.name_and_born IS 'they go together';

CREATE TABLE app.orders (
    id serial PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES app.customers ON DELETE CASCADE ON UPDATE RESTRICT,
    parent_id integer,
    placed tstzrange,
    room integer,
    CONSTRAINT parent FOREIGN KEY (parent_id) REFERENCES app.orders (id) ON DELETE SET NULL (parent_id)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, placed WITH &&) WHERE (room IN (1, 2, 3))
);
ALTER TABLE app.orders ADD CONSTRAINT trusted FOREIGN KEY (customer_id) REFERENCES app.customers (id) NOT VALID;
ALTER TABLE app.orders ADD CONSTRAINT free FOREIGN KEY (customer_id) REFERENCES app.customers (id) NOT ENFORCED;
CREATE INDEX orders_customer_id_idx ON app.orders (customer_id);
ALTER TABLE app.orders REPLICA IDENTITY FULL;
CREATE TABLE app.stays (
    room integer, during daterange,
    CONSTRAINT stays_pkey PRIMARY KEY (room, during WITHOUT OVERLAPS)
);
CREATE TABLE app.visits (
    room integer, during daterange,
    FOREIGN KEY (room, PERIOD during) REFERENCES app.stays (room, PERIOD during)
);
CREATE UNLOGGED TABLE app.cache (key text PRIMARY KEY, value jsonb DEFAULT '{"a": [1, "x"]}'::jsonb);
ALTER TABLE app.cache REPLICA IDENTITY NOTHING;
CREATE TABLE app.homes OF app.address (zip WITH OPTIONS NOT NULL DEFAULT '00000', PRIMARY KEY (zip));
CREATE TABLE app.people (name text NOT NULL, age integer CONSTRAINT has_age CHECK (age > 0));
CREATE TABLE app.taxed (tax numeric(10, 2));
CREATE TABLE app.workers (age integer DEFAULT 18, job text) INHERITS (app.people, app.taxed);
CREATE TABLE app."Order Lines" ("select" integer, "Line No" integer PRIMARY KEY, "user" text DEFAULT current_user);
CREATE TABLE "Odd Names"."a.b" ("c""d" integer CHECK ("c""d" IN (1, 2)), id varchar(5) CHECK (id IN ('x', 'y')));
CREATE INDEX "odd index" ON app."Order Lines" ("select", "user");
CREATE TABLE app.no_columns ();

-- partitions
CREATE TABLE app.events (id bigint, at timestamptz NOT NULL, kind text, CONSTRAINT kind_known CHECK (kind <> ''),
    UNIQUE (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE app.events_2024 PARTITION OF app.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE app.events_2025 PARTITION OF app.events (kind DEFAULT 'late') FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    PARTITION BY LIST (kind);
CREATE TABLE app.events_2025_a PARTITION OF app.events_2025 FOR VALUES IN ('a', 'b', NULL);
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE TABLE app.events_old (extra integer, id bigint NOT NULL, at timestamptz NOT NULL, kind text, CONSTRAINT kind_known CHECK (kind <> ''));
ALTER TABLE app.events_old DROP COLUMN extra;
ALTER TABLE app.events ATTACH PARTITION app.events_old FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00+00');
CREATE INDEX events_kind ON app.events (kind);
CREATE TABLE app.pieces (n integer) PARTITION BY HASH (n);
CREATE TABLE app.pieces_0 PARTITION OF app.pieces FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.of_events (event_id bigint, event_at timestamptz, event_kind text,
    FOREIGN KEY (event_id, event_at, event_kind) REFERENCES app.events (id, at, kind));
CREATE TABLE app.parted_child (id integer, p text, customer_id bigint REFERENCES app.customers) PARTITION BY LIST (p);
CREATE TABLE app.parted_child_1 PARTITION OF app.parted_child FOR VALUES IN ('1');

-- views
CREATE VIEW app.active AS SELECT id, name, status FROM app.customers WHERE status IN ('active', 'new');
CREATE VIEW app.checked WITH (security_barrier, security_invoker = true) AS
    SELECT id, name FROM app.customers WHERE share > 1 WITH LOCAL CHECK OPTION;
ALTER VIEW app.active ALTER COLUMN status SET DEFAULT 'active';
CREATE VIEW app.joined AS
    SELECT c.name, count(*) AS orders, app.total(count(*)::integer) AS twice, c.feeling
    FROM app.customers c JOIN app.orders o ON o.customer_id = c.id GROUP BY c.name, c.feeling;
CREATE RECURSIVE VIEW app.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 5;
COMMENT ON VIEW app.active IS 'who is around';
COMMENT ON COLUMN app.active.name IS 'their name';
GRANT SELECT ON app.active TO kind_reader;
CREATE MATERIALIZED VIEW app.summary WITH (fillfactor = 80) AS
    SELECT status, count(*) AS n FROM app.customers GROUP BY status WITH DATA;
CREATE UNIQUE INDEX summary_status ON app.summary (status);
CREATE MATERIALIZED VIEW app.unfilled AS SELECT 1 AS one WITH NO DATA;
COMMENT ON MATERIALIZED VIEW app.summary IS 'counted';

-- triggers, rules, policies
CREATE TRIGGER touch BEFORE UPDATE OF name, status ON app.customers FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status AND new.status IN ('new', 'gone')) EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch_all AFTER INSERT ON app.customers REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    EXECUTE FUNCTION app.touch('an argument');
CREATE CONSTRAINT TRIGGER checked_late AFTER INSERT ON app.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION app.touch();
CREATE TRIGGER on_view INSTEAD OF INSERT ON app.joined FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER on_events BEFORE INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.customers DISABLE TRIGGER touch_all;
ALTER TABLE app.orders ENABLE ALWAYS TRIGGER checked_late;
COMMENT ON TRIGGER touch ON app.customers IS 'keeps touched true';
CREATE RULE protect AS ON DELETE TO app.orders WHERE old.room IN (1, 2) DO INSTEAD NOTHING;
CREATE RULE write_active AS ON INSERT TO app.active DO INSTEAD INSERT INTO app.customers (name) VALUES (new.name);
ALTER TABLE app.orders DISABLE RULE protect;
COMMENT ON RULE protect ON app.orders IS 'never';
CREATE POLICY own_rows ON app.customers FOR UPDATE TO kind_reader, "kind Writer" USING (name = current_user)
    WITH CHECK (status IN ('new', 'active'));
CREATE POLICY everybody ON app.customers AS RESTRICTIVE USING (EXISTS (SELECT FROM app.orders o WHERE o.customer_id = customers.id));
COMMENT ON POLICY own_rows ON app.customers IS 'hands off';

-- what belongs to the database
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION app.watch();
ALTER EVENT TRIGGER watch DISABLE;
CREATE PUBLICATION chosen FOR TABLE app.customers (id, name, upper_name) WHERE (id > 5), app.orders
    WITH (publish = 'insert, update', publish_via_partition_root = true);
CREATE PUBLICATION whole_schema FOR TABLES IN SCHEMA app WITH (publish_generated_columns = stored);
COMMENT ON PUBLICATION chosen IS 'to the warehouse';
ALTER DEFAULT PRIVILEGES FOR ROLE kind_owner IN SCHEMA app GRANT SELECT ON TABLES TO kind_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE kind_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- rare kinds
CREATE FUNCTION app.same(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1::text = $2;
CREATE FUNCTION app.same(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1 = $2::text;
CREATE OPERATOR app.=== (LEFTARG = integer, RIGHTARG = text, FUNCTION = app.same, COMMUTATOR = OPERATOR(app.===),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = integer, FUNCTION = app.same, COMMUTATOR = OPERATOR(app.===));
COMMENT ON OPERATOR app.=== (integer, text) IS 'looks the same';
CREATE OPERATOR CLASS app.int_by_value FOR TYPE integer USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
CREATE OPERATOR FAMILY app.loose USING hash;
ALTER OPERATOR FAMILY app.loose USING hash ADD OPERATOR 1 = (integer, integer), FUNCTION 1 (integer, integer) hashint4(integer);
CREATE FUNCTION app.to_mood(integer) RETURNS app.mood LANGUAGE sql IMMUTABLE RETURN 'sad'::app.mood;
CREATE CAST (integer AS app.mood) WITH FUNCTION app.to_mood(integer) AS ASSIGNMENT;
CREATE CAST (app.mood AS json) WITH INOUT;
COMMENT ON CAST (integer AS app.mood) IS 'roughly';
CREATE CONVERSION app.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY app.simple_words (TEMPLATE = pg_catalog.simple, accept = false);
CREATE TEXT SEARCH CONFIGURATION app.search (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH app.simple_words, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION app.search IS 'finds';
CREATE TEXT SEARCH TEMPLATE app.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER app.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE FOREIGN DATA WRAPPER nothing OPTIONS (debug 'true', api_token 'abc');
CREATE SERVER elsewhere TYPE 'pg' VERSION '9' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', dbname 'd', port '5432');
GRANT USAGE ON FOREIGN SERVER elsewhere TO kind_reader;
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'u', password 'hidden');
CREATE FOREIGN TABLE app.remote (id integer OPTIONS (column_name 'ID') NOT NULL, note text DEFAULT 'n',
    CONSTRAINT noted CHECK (note <> '')) SERVER elsewhere OPTIONS (schema_name 's', table_name 't');
COMMENT ON FOREIGN TABLE app.remote IS 'far away';
CREATE FOREIGN TABLE app.events_far PARTITION OF app.pieces FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER elsewhere;
COMMENT ON SERVER elsewhere IS 'somewhere';
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.stored_elsewhere (a integer) USING other_heap;
