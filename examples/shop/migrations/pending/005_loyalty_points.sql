-- purpose: customers collect points
-- author: jon

ALTER TABLE customers ADD COLUMN points integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN customers.points IS 'Loyalty points; a hundred are worth one euro.';
