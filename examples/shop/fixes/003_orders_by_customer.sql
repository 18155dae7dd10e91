-- purpose: the account page lists a customer's orders
-- author: mira

CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
