-- purpose: prices above 999 999.99
-- author: jon

-- The price list reads the column, so it makes way and comes back.
DROP VIEW price_list;
-- agentdb: ignore holding-lock-during-work products has 2,000 rows, reading them takes milliseconds
ALTER TABLE products ALTER COLUMN price TYPE numeric(12, 2);
CREATE VIEW price_list AS
SELECT sku, title, price, in_stock > 0 AS available
FROM products;
COMMENT ON VIEW price_list IS 'Read by the storefront and by partners every minute.';
