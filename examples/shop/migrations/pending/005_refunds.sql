-- purpose: orders can be refunded
-- author: mira

ALTER TYPE order_status ADD VALUE 'refunded' AFTER 'shipped';

CREATE TABLE refunds (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint NOT NULL REFERENCES orders (id),
    amount     numeric(10, 2) NOT NULL CHECK (amount > 0),
    reason     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_order_id_idx ON refunds (order_id);
COMMENT ON TABLE refunds IS 'Money given back, one row a payment.';
