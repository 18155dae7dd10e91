-- purpose: customers, products and their orders
-- author: shop team

CREATE TYPE order_status AS ENUM ('cart', 'placed', 'paid', 'shipped', 'cancelled');

CREATE TABLE customers (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email        text NOT NULL,
    full_name    text NOT NULL,
    country      char(2) NOT NULL DEFAULT 'DE',
    legacy_notes text,
    created_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE customers IS 'People who have an account. One row a person, never deleted.';
COMMENT ON COLUMN customers.legacy_notes IS 'Free text from the old back office.';

CREATE TABLE products (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku      text NOT NULL UNIQUE,
    title    text NOT NULL,
    price    numeric(8, 2) NOT NULL CHECK (price >= 0),
    in_stock integer NOT NULL DEFAULT 0 CHECK (in_stock >= 0)
);
COMMENT ON TABLE products IS 'What the shop sells.';

CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    status      order_status NOT NULL DEFAULT 'cart',
    total       numeric(10, 2),
    placed_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE orders IS 'Carts and orders; a cart becomes an order when it is placed.';
COMMENT ON COLUMN orders.total IS 'Sum of the items; empty for orders of the old shop.';

CREATE TABLE order_items (
    order_id   bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line       smallint NOT NULL,
    product_id bigint NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(8, 2) NOT NULL,
    PRIMARY KEY (order_id, line)
);
COMMENT ON TABLE order_items IS 'The lines of an order, with the price at the time of sale.';
