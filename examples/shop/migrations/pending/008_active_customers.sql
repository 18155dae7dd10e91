-- purpose: the newsletter reads who has ordered
-- author: mira

CREATE VIEW active_customers AS
SELECT c.id, c.email, max(o.placed_at) AS last_order
FROM customers c
JOIN orders o ON o.customer_id = c.id
GROUP BY c.id, c.email;
