-- Some hundred thousand rows for the stand-in production: deterministic, so that every demo is the same.
INSERT INTO customers (email, full_name, country, legacy_notes, created_at)
SELECT 'person' || n || '@example.com', 'Person ' || n, (ARRAY['DE', 'FR', 'NL', 'SE', 'IT'])[1 + n % 5],
       CASE WHEN n % 3 = 0 THEN 'called on day ' || n % 365 || ', prefers mail' END,
       timestamptz '2024-01-01 00:00+00' + n * interval '17 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO products (sku, title, price, in_stock)
SELECT 'SKU-' || lpad(n::text, 5, '0'), 'Product ' || n, 4 + (n * 37 % 9000) / 100.0, n * 13 % 120
FROM generate_series(1, 2000) AS n;

INSERT INTO orders (customer_id, status, total, placed_at)
SELECT 1 + n * 7919 % 20000, (ARRAY['placed', 'paid', 'shipped', 'shipped', 'cancelled']::order_status[])[1 + n % 5],
       CASE WHEN n % 4 <> 0 THEN 10 + n % 500 END, timestamptz '2025-01-01 00:00+00' + n * interval '5 minutes'
FROM generate_series(1, 100000) AS n;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o, l, 1 + (o * 31 + l * 17) % 2000, 1 + (o + l) % 4, 4 + (o * 37 % 9000) / 100.0
FROM generate_series(1, 100000) AS o, generate_series(1, 2) AS l;

ANALYZE;
