-- purpose: fill in the totals of orders from the old shop
-- author: mira

UPDATE orders SET total = order_value(id) WHERE total IS NULL;
