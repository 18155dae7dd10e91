-- A small shop with one of each: what the rollback tests change.
CREATE SCHEMA billing;
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TYPE size AS (width integer, height integer);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE SEQUENCE ticket START 100;
SELECT nextval('ticket'), nextval('ticket');
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name varchar(40),
    mood mood NOT NULL DEFAULT 'calm',
    score integer NOT NULL DEFAULT 0 CHECK (score >= 0),
    tags text[] NOT NULL DEFAULT '{}',
    extra json
);
COMMENT ON TABLE customers IS 'who buys';
COMMENT ON COLUMN customers.email IS 'where letters go';
CREATE INDEX customers_name ON customers (lower(name)) WHERE name IS NOT NULL;
CREATE TABLE orders (
    id serial PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    total numeric(10, 2) NOT NULL,
    status varchar(12) NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'sent')),
    placed timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00',
    doubled numeric GENERATED ALWAYS AS (total * 2) STORED
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE billing.invoices (
    id integer PRIMARY KEY,
    order_id integer REFERENCES orders,
    amount positive NOT NULL,
    CONSTRAINT invoices_once UNIQUE (order_id)
);
CREATE TABLE visits (page text, seen date);
CREATE TABLE measured (day date NOT NULL, value integer) PARTITION BY RANGE (day);
CREATE TABLE measured_2024 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE measured_2025 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX measured_value ON measured (value);
CREATE FUNCTION shout(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(word) $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.placed := NEW.placed; RETURN NEW; END $$;
CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW paid AS SELECT o.id, o.total, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'paid';
CREATE VIEW paid_total AS SELECT sum(total) AS total FROM paid;
CREATE MATERIALIZED VIEW by_status AS SELECT status, count(*) AS orders FROM orders GROUP BY status;
CREATE UNIQUE INDEX by_status_key ON by_status (status);
ALTER TABLE billing.invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON billing.invoices FOR SELECT USING (amount > 0);
CREATE STATISTICS orders_facts ON customer_id, status FROM orders;
GRANT SELECT ON customers TO PUBLIC;
INSERT INTO customers (email, name, mood, score, tags, extra) VALUES
    ('ann@example.org', 'Ann', 'calm', 1, '{new}', '{"a": 1}'),
    ('bob@example.org', 'Bob', 'busy', 2, '{}', NULL),
    ('eve@example.org', NULL, 'calm', 3, '{old,vip}', '[]'),
    ('kim@example.org', 'Kim with a long name indeed', 'busy', 4, '{}', 'null');
INSERT INTO orders (customer_id, total, status) VALUES (1, 10, 'new'), (1, 20.50, 'paid'), (2, 30, 'sent'), (3, 40, 'new');
INSERT INTO billing.invoices VALUES (1, 2, 20), (2, 3, 30);
INSERT INTO visits VALUES ('home', '2024-05-01'), ('home', '2024-05-01'), ('cart', '2024-05-02'), (NULL, NULL);
INSERT INTO measured VALUES ('2024-02-01', 1), ('2024-03-01', 2), ('2025-02-01', 3);
REFRESH MATERIALIZED VIEW by_status;
