-- Grain: one row per order line received in one run. line_number is told where a line comes back from the quarantine: it
-- keeps the place that it had in its order. The load numbers the others.
CREATE UNLOGGED TABLE {staged} (
    staged_row bigint NOT NULL,
    order_id text,
    customer_id text,
    ordered_at timestamptz,
    status text,
    currency text,
    product_id text,
    quantity numeric,
    unit_price numeric,
    source_line bigint,
    unreadable text,
    line_number integer
);
