-- purpose: check the existing order lines against products without blocking sales
-- author: mira
-- depends: 004

ALTER TABLE order_items VALIDATE CONSTRAINT order_items_product_id_fkey;
