-- purpose: the price list that the storefront and the partners read
-- author: shop team
-- depends: 001

CREATE VIEW price_list AS
SELECT sku, title, price, in_stock > 0 AS available
FROM products;
COMMENT ON VIEW price_list IS 'Read by the storefront and by partners every minute.';

CREATE FUNCTION order_value(wanted bigint) RETURNS numeric
LANGUAGE sql STABLE
AS $$ SELECT coalesce(sum(quantity * unit_price), 0) FROM order_items WHERE order_id = wanted $$;
