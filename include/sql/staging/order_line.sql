-- Grain: one row per order line received in one run. line_number is told where a file or query tells it, and where a line comes
-- back from the quarantine: it keeps the place that it had in its order. The load numbers the others. `country` and `region` are where the order goes,
-- occurred_at is a return's own time, changed_in_shop_at when the shop last changed the order; where is_whole_order, lines
-- of the order that are not told any more are withdrawn, and a row without product and quantity says that it has none.
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
    country text,
    region text,
    occurred_at timestamptz,
    cancelled_at timestamptz,
    changed_in_shop_at timestamptz,
    is_whole_order boolean,
    line_number integer,
    source_line bigint,
    unreadable text
);
