-- purpose: prices above 999 999.99
-- author: jon

ALTER TABLE products ALTER COLUMN price TYPE numeric(12, 2);
